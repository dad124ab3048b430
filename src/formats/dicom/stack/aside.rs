//! Stacks side by side: images at one place along the normal that are moved in plane are no time points of each other.

use super::Member;
use super::places::{Places, dot};
use super::pools::Pool;
use crate::work::numbers::real;

/// Pixels by which images of one place may lie apart in plane.
const SAME_PIXELS: f64 = 0.5;
/// How far a stack moves in plane for each millimetre along its normal; no gantry leans further.
const STEEPEST: f64 = 1.0;
/// More stacks beside each other than a scan has.
const MOST_STACKS: usize = 64;

type InPlane = [f64; 2];

/// Images of one place that lie together in plane.
struct Group {
    at: InPlane,
    members: Vec<Member>,
}

/// A stack in the making.
struct Chain {
    members: Vec<Member>,
    /// Where its last images lie in plane and along the normal.
    at: InPlane,
    along: f64,
    /// How it moves in plane for each millimetre along the normal.
    lean: InPlane,
}

fn apart(a: InPlane, b: InPlane) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Parts a pool where images of one place along the normal lie apart in plane; all others stay as they are.
pub fn part(pool: Pool) -> Vec<Pool> {
    if pool.members.len() < 2 || pool.members.iter().any(|m| m.position.is_none()) {
        return vec![pool];
    }
    let Some(places) = Places::of(pool.members.clone()) else { return vec![pool] };
    let [row, column] = places.plane.directions;
    let at = |m: &Member| m.position.map_or([0.0; 2], |p| [dot(p, row), dot(p, column)]);
    let reach = SAME_PIXELS * places.plane.spacing.map_or(1.0, |[a, b]| a.min(b));
    let spread = |place: &Vec<Member>| {
        let first = place.first().map_or([0.0; 2], at);
        place.iter().map(|m| apart(at(m), first)).fold(0.0, f64::max)
    };
    let farthest = places.at.iter().map(spread).fold(0.0, f64::max);
    if farthest <= reach {
        return vec![pool];
    }
    let Pool { members, mut notes } = pool;
    let Some(chains) = chains(&places, reach, at) else {
        notes.push(format!(
            "Images at one place along their normal lie up to {farthest:.1} mm apart in plane, in more ways than stacks \
             have; they are shown as if all lay where the first does."
        ));
        return vec![Pool { members, notes }];
    };
    notes.push(format!(
        "Images at one place along their normal lie up to {farthest:.1} mm apart in plane; each stack of them is a volume \
         of its own."
    ));
    chains.into_iter().map(|chain| Pool { members: chain.members, notes: notes.clone() }).collect()
}

/// The stacks that go from place to place; none where there are too many.
fn chains(places: &Places, reach: f64, at: impl Fn(&Member) -> InPlane) -> Option<Vec<Chain>> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut before = f64::NEG_INFINITY;
    for place in &places.at {
        let along = place.first().and_then(|m| m.position).map_or(0.0, |p| dot(p, places.plane.normal));
        let groups = groups(place, reach, &at)?;
        let shift = shift(&chains, before, along, &groups);
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (c, chain) in chains.iter().enumerate() {
            let way = along - chain.along;
            let expected = |n: usize| chain.at[n] + shift.map_or(chain.lean[n] * way, |moved| moved[n]);
            for (g, group) in groups.iter().enumerate() {
                let off = apart(group.at, [expected(0), expected(1)]);
                if off <= reach + STEEPEST * way {
                    pairs.push((off, c, g));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut taken: Vec<Option<usize>> = vec![None; groups.len()];
        for (_, c, g) in pairs {
            if taken[g].is_none() && !taken.contains(&Some(c)) {
                taken[g] = Some(c);
            }
        }
        for (group, chain) in groups.into_iter().zip(taken) {
            let Some(chain) = chain.and_then(|c| chains.get_mut(c)) else {
                chains.push(Chain { members: group.members, at: group.at, along, lean: [0.0; 2] });
                continue;
            };
            let way = along - chain.along;
            chain.lean = std::array::from_fn(|n| (group.at[n] - chain.at[n]) / way);
            (chain.at, chain.along) = (group.at, along);
            chain.members.extend(group.members);
        }
        before = along;
        if chains.len() > MOST_STACKS {
            return None;
        }
    }
    Some(chains)
}

/// How all stacks together move from one place to the next, where as many go on as there were.
fn shift(chains: &[Chain], before: f64, along: f64, groups: &[Group]) -> Option<InPlane> {
    let going: Vec<&Chain> = chains.iter().filter(|chain| chain.along >= before).collect();
    if going.len() != groups.len() || going.len() < chains.len() {
        return None;
    }
    let count = real(groups.len());
    let moved = std::array::from_fn(|n| {
        (groups.iter().map(|group| group.at[n]).sum::<f64>() - going.iter().map(|chain| chain.at[n]).sum::<f64>())
            / count
    });
    (apart(moved, [0.0; 2]) <= STEEPEST * (along - before)).then_some(moved)
}

/// The images of a place by where they lie in plane; none where they lie at too many.
fn groups(place: &[Member], reach: f64, at: impl Fn(&Member) -> InPlane) -> Option<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for member in place {
        let own = at(member);
        if let Some(group) = groups.iter_mut().find(|group| apart(group.at, own) <= reach) {
            group.members.push(member.clone());
        } else if groups.len() < MOST_STACKS {
            groups.push(Group { at: own, members: vec![member.clone()] });
        } else {
            return None;
        }
    }
    Some(groups)
}
