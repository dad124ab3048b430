//! When every value and every gradient of a training step is needed, and where it lies.

use super::super::memory::{Arena, Map};
use super::schedule::Schedule;
use super::units::{Kind, Unit};
use crate::engine::cpu::simd::LANES;
use crate::graph::{Graph, NodeId};

/// A map's shape, its time, and whose memory it uses.
#[derive(Clone)]
struct Place {
    channels: usize,
    size: [usize; 2],
    border: usize,
    first: usize,
    last: usize,
    /// The map that it is part of, and its first block there.
    inside: Option<(NodeId, usize)>,
}

/// Maps of values and gradients by node.
pub struct Places {
    /// Results.
    pub values: Vec<Option<Map>>,
    /// Results where the way back finds them: elsewhere if they are computed again.
    pub values_back: Vec<Option<Map>>,
    /// Their gradients.
    pub gradients: Vec<Option<Map>>,
    /// Values that are written where a concatenation wants them.
    pub value_inside: Vec<bool>,
    /// Gradients that are complete with a concatenation's, or are changed into a norm's input gradient in place.
    pub gradient_inside: Vec<bool>,
}

/// What a convolution's gradient needs around it to be taken back.
pub fn return_padding(kind: &Kind) -> [usize; 2] {
    match kind {
        Kind::Conv(c) => [0, 1].map(|axis| c.dilation[axis] * (c.kernel[axis] - 1) - c.padding[axis]),
        _ => [0, 0],
    }
}

/// Places all maps. `sizes` are those of the nodes.
pub fn place(
    graph: &Graph,
    units: &[Unit],
    sizes: &[[usize; 2]],
    batch: usize,
    input_gradient: bool,
    schedule: &Schedule,
    arena: &mut Arena,
) -> Places {
    let n = units.len();
    let blank = |id: NodeId, first: usize, last: usize| Place {
        channels: graph.nodes[id].size.channels,
        size: sizes[id],
        border: 0,
        first,
        last,
        inside: None,
    };
    let mut values: Vec<Option<Place>> = vec![None; graph.nodes.len()];
    let mut gradients: Vec<Option<Place>> = vec![None; graph.nodes.len()];
    for (u, unit) in units.iter().enumerate() {
        let back = schedule.back[u];
        let first = match unit.kind {
            Kind::MaxPool { with: Some(with), .. } => with,
            _ => u,
        };
        values[unit.value] = Some(blank(unit.value, first, u));
        if unit.kind != Kind::Input || input_gradient {
            let mut gradient = blank(unit.value, back, back);
            if !matches!(unit.kind, Kind::Conv(c) if c.stride != [1, 1]) {
                let padding = return_padding(&unit.kind);
                gradient.border = padding[0].max(padding[1]);
            }
            gradients[unit.value] = Some(gradient);
        }
    }
    let kept = graph.outputs.iter().copied().chain(graph.taps.iter().map(|(_, id)| *id));
    for id in kept {
        if let Some(value) = &mut values[id] {
            value.last = value.last.max(n);
        }
    }
    for &id in &graph.outputs {
        if let Some(gradient) = &mut gradients[id] {
            gradient.first = n + 1;
        }
    }
    for (u, unit) in units.iter().enumerate() {
        let back = schedule.back[u];
        for &input in &unit.inputs {
            if let Some(value) = &mut values[input] {
                value.last = value.last.max(u);
                if let Kind::Conv(c) = unit.kind {
                    value.border = value.border.max(c.padding[0]).max(c.padding[1]);
                }
            }
            if let Some(gradient) = &mut gradients[input] {
                gradient.first = gradient.first.min(back);
            }
        }
    }
    let second = live_again(&mut values, units, schedule);
    let last_reader = |id: NodeId| units.iter().rposition(|unit| unit.inputs.contains(&id));
    let readers = |id: NodeId| units.iter().filter(|unit| unit.inputs.contains(&id)).count();
    for (u, unit) in units.iter().enumerate() {
        if unit.kind == Kind::Concat {
            let mut channels = 0;
            for &part in &unit.inputs {
                let count = graph.nodes[part].size.channels;
                let producer = units.iter().find(|other| other.value == part);
                let free = producer.is_some_and(|p| !matches!(p.kind, Kind::Input | Kind::Concat))
                    && unit.inputs.iter().filter(|&&other| other == part).count() == 1
                    && (count.is_multiple_of(LANES) || channels + count == graph.nodes[unit.value].size.channels);
                if free {
                    join(&mut values, part, unit.value, channels / LANES);
                }
                if free && last_reader(part) == Some(u) && !graph.outputs.contains(&part) {
                    join(&mut gradients, part, unit.value, channels / LANES);
                }
                channels += count;
            }
        }
    }
    // A norm turns its result's gradient into that of its input where nobody else adds to it.
    for unit in units {
        let input = unit.inputs.first().copied();
        if let (Kind::Norm { .. }, Some(input)) = (unit.kind, input)
            && readers(input) == 1
            && !graph.outputs.contains(&input)
            && gradients[input].is_some()
        {
            join(&mut gradients, input, unit.value, 0);
        }
    }
    let value_inside = values.iter().map(|p| p.as_ref().is_some_and(|p| p.inside.is_some())).collect();
    let gradient_inside = gradients.iter().map(|p| p.as_ref().is_some_and(|p| p.inside.is_some())).collect();
    debug_assert!(values.iter().chain(&gradients).flatten().all(|p| p.first <= p.last && p.last <= schedule.end));
    let maps = lay_out(&values, batch, arena);
    let second = lay_out(&second, batch, arena);
    Places {
        values_back: second.into_iter().zip(&maps).map(|(second, first)| second.or(*first)).collect(),
        values: maps,
        gradients: lay_out(&gradients, batch, arena),
        value_inside,
        gradient_inside,
    }
}

/// Lets values live until the way back has read them; gives the second places of those that are computed again.
fn live_again(values: &mut [Option<Place>], units: &[Unit], schedule: &Schedule) -> Vec<Option<Place>> {
    let mut second: Vec<Option<Place>> = vec![None; values.len()];
    for u in (0..units.len()).rev() {
        for again in &schedule.again[u] {
            let unit = &units[again.unit];
            for &input in &unit.inputs {
                live_until(again.time, &mut second[input], &mut values[input]);
            }
            second[unit.value] = values[unit.value].clone().map(|place| Place {
                first: again.time,
                last: again.time,
                inside: None,
                ..place
            });
        }
        for &id in &schedule.reads[u] {
            live_until(schedule.back[u], &mut second[id], &mut values[id]);
        }
    }
    second
}

/// Lets the second place live until a time, or the first where there is no second.
fn live_until(time: usize, second: &mut Option<Place>, first: &mut Option<Place>) {
    if let Some(place) = second.as_mut().or(first.as_mut()) {
        place.last = place.last.max(time);
    }
}

/// Lets a map lie inside another, at a block of it.
fn join(places: &mut [Option<Place>], part: NodeId, whole: NodeId, block: usize) {
    let Some(child) = places[part].clone().filter(|p| p.inside.is_none()) else { return };
    // Whoever holds the whole has to make room and live as long.
    let mut holder = whole;
    loop {
        let Some(parent) = &mut places[holder] else { return };
        parent.border = parent.border.max(child.border);
        parent.first = parent.first.min(child.first);
        parent.last = parent.last.max(child.last);
        match parent.inside {
            Some((next, _)) => holder = next,
            None => break,
        }
    }
    if let Some(child) = &mut places[part] {
        child.inside = Some((whole, block));
    }
}

fn lay_out(places: &[Option<Place>], batch: usize, arena: &mut Arena) -> Vec<Option<Map>> {
    let mut maps: Vec<Option<Map>> = vec![None; places.len()];
    for (id, place) in places.iter().enumerate() {
        let Some(place) = place.as_ref().filter(|p| p.inside.is_none()) else { continue };
        let mut map = Map {
            offset: 0,
            batch,
            channels: place.channels,
            lanes: LANES,
            size: place.size,
            border: place.border,
            image: 0,
        };
        map.image = map.own_len();
        map.offset = arena.place(map.image * batch, place.first, place.last);
        maps[id] = Some(map);
    }
    // Parts of parts, from the outside to the inside.
    loop {
        let mut found = false;
        for (id, place) in places.iter().enumerate() {
            let Some((place, (whole, block))) = place.as_ref().and_then(|p| Some((p, p.inside?))) else { continue };
            if let (None, Some(whole)) = (maps[id], maps[whole]) {
                let offset = whole.offset + block * whole.plane();
                maps[id] = Some(Map { offset, channels: place.channels, ..whole });
                found = true;
            }
        }
        if !found {
            return maps;
        }
    }
}
