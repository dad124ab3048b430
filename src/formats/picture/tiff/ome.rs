//! OME-TIFF: planes and sizes as the OME-XML in the first page's description tells them.
//!
//! Source: the OME Data Model and OME-TIFF specification (2016-06) of the Open Microscopy Environment.

use std::collections::BTreeSet;

use super::axes::{Axis, Role, plane_count, planes};
use super::xml::{Piece, pieces};

/// Most planes of an image.
const MOST_PLANES: usize = 1 << 20;

type Attributes = Vec<(String, String)>;

/// The images of a description.
#[derive(Debug, Clone, Default)]
pub struct Ome {
    /// The file's own identifier.
    uuid: Option<String>,
    pub images: Vec<Image>,
}

/// An image: one or more planes, in this file or in others.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pub name: String,
    pixels: Attributes,
    /// Blocks of planes.
    blocks: Vec<Block>,
    /// Samples that a channel has, as far as channels say so.
    channel_samples: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
struct Block {
    attributes: Attributes,
    uuid: Option<String>,
    file_name: Option<String>,
}

fn get<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn count(attributes: &Attributes, name: &str) -> Result<Option<usize>, String> {
    let Some(text) = get(attributes, name) else { return Ok(None) };
    match text.trim().parse::<usize>() {
        Ok(value) if value <= MOST_PLANES => Ok(Some(value)),
        _ => Err(format!("OME's description says {name}={text:?}, which is no possible number")),
    }
}

/// Why an image's planes cannot be taken from this file.
#[derive(Debug)]
pub enum Missing {
    /// They lie in other files.
    Elsewhere(String),
    /// The description is wrong.
    Wrong(String),
}

impl Ome {
    /// Understands a description, if it is OME's.
    ///
    /// # Errors
    /// When it is OME's and cannot be understood.
    pub fn parse(description: &str) -> Result<Option<Self>, String> {
        let description = description.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let is_ours = description.contains("<OME") || description.contains(":OME");
        if !is_ours || !description.starts_with('<') {
            return Ok(None);
        }
        let mut ome = Self::default();
        let mut open: Vec<String> = Vec::new();
        for piece in pieces(description).map_err(|e| format!("OME's description cannot be read: {e}"))? {
            match piece {
                Piece::Open(name, attributes, is_empty) => {
                    if open.is_empty() && name != "OME" {
                        return Ok(None);
                    }
                    ome.open(&name, open.last().map(String::as_str), attributes)?;
                    if !is_empty {
                        open.push(name);
                    }
                }
                Piece::Text(text) => {
                    let block = ome.images.last_mut().and_then(|image| image.blocks.last_mut());
                    if let (Some("UUID"), Some(block)) = (open.last().map(String::as_str), block) {
                        block.uuid = Some(text);
                    }
                }
                Piece::Close(name) => {
                    if open.pop().as_ref() != Some(&name) {
                        return Err(format!("OME's description cannot be read: </{name}> has no beginning"));
                    }
                }
            }
        }
        Ok(Some(ome))
    }

    fn open(&mut self, name: &str, parent: Option<&str>, attributes: Attributes) -> Result<(), String> {
        let image = self.images.last_mut();
        match (name, parent, image) {
            ("OME", None, _) => self.uuid = get(&attributes, "UUID").map(str::to_string),
            ("BinaryOnly", Some("OME"), _) => {
                let file = get(&attributes, "MetadataFile").unwrap_or("another file");
                return Err(format!(
                    "the description of this OME-TIFF is in {file}; convert the set to single OME-TIFF files"
                ));
            }
            ("Image", Some("OME"), _) => {
                let name = get(&attributes, "Name").unwrap_or_default().to_string();
                self.images.push(Image { name, ..Image::default() });
            }
            ("Pixels", Some("Image"), Some(image)) => image.pixels = attributes,
            ("Channel", Some("Pixels"), Some(image)) => {
                image.channel_samples.extend(count(&attributes, "SamplesPerPixel")?);
            }
            ("TiffData", Some("Pixels"), Some(image)) => {
                image.blocks.push(Block { attributes, ..Block::default() });
            }
            ("UUID", Some("TiffData"), Some(image)) => {
                if let Some(block) = image.blocks.last_mut() {
                    block.file_name = get(&attributes, "FileName").map(str::to_string);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a block of planes is said to lie in the file of this name.
    fn is_here(&self, block: &Block, file_name: &str) -> bool {
        match (&block.uuid, &self.uuid, &block.file_name) {
            (Some(theirs), Some(ours), _) => theirs == ours,
            (_, _, Some(name)) => name == file_name || self.has_one_file(),
            (_, None, None) | (None, _, None) => true,
        }
    }

    /// Whether all blocks name the same file: a file that was given another name.
    fn has_one_file(&self) -> bool {
        let blocks = self.images.iter().flat_map(|image| &image.blocks);
        let names: BTreeSet<_> = blocks.map(|block| (&block.file_name, &block.uuid)).collect();
        self.uuid.is_none() && names.len() == 1
    }

    /// Axes of an image and, in the order slices, channels, times, the page of each plane.
    ///
    /// # Errors
    /// When planes are in other files or in none, or the description contradicts the pages.
    pub fn planes(
        &self,
        image: &Image,
        file_name: &str,
        pages: usize,
        samples: usize,
    ) -> Result<(Vec<Axis>, Vec<usize>), Missing> {
        let axes = image.axes(samples).map_err(Missing::Wrong)?;
        let total = plane_count(&axes).filter(|&total| total <= MOST_PLANES);
        let total = total.ok_or_else(|| Missing::Wrong("OME's description speaks of too many planes".into()))?;
        let mut page_of: Vec<Option<usize>> = vec![None; total];
        let mut elsewhere = BTreeSet::new();
        let everything = [Block::default()];
        let blocks: &[Block] = if image.blocks.is_empty() { &everything } else { &image.blocks };
        for block in blocks {
            if !self.is_here(block, file_name) {
                elsewhere.insert(block.file_name.clone().unwrap_or_else(|| "a file without a name".into()));
                continue;
            }
            let number = |name| count(&block.attributes, name).map_err(Missing::Wrong);
            let page = number("IFD")?;
            let length = match (number("PlaneCount")?.or(number("NumPlanes")?), page) {
                (Some(length), _) => length,
                (None, Some(_)) => 1,
                (None, None) => total.min(pages),
            };
            let mut stride = 1;
            let mut first = 0;
            for axis in &axes {
                let start = number(match axis.role {
                    Role::Slice => "FirstZ",
                    Role::Channel => "FirstC",
                    _ => "FirstT",
                })?;
                first += start.unwrap_or(0) * stride;
                stride *= axis.size;
            }
            let first_page = page.unwrap_or(0);
            for n in 0..length {
                let at = page_of.get_mut(first + n).filter(|_| first_page + n < pages).ok_or_else(|| {
                    let page = first_page + n + 1;
                    Missing::Wrong(format!(
                        "OME's description puts page {page} of {pages} at plane {} of {total}",
                        first + n + 1
                    ))
                })?;
                *at = Some(first_page + n);
            }
        }
        let sorted =
            planes(&axes).into_iter().map(|plane| page_of.get(plane).copied().flatten()).collect::<Option<Vec<_>>>();
        if let Some(sorted) = sorted {
            return Ok((axes, sorted));
        }
        let there = page_of.iter().flatten().count();
        let names: Vec<String> = elsewhere.into_iter().collect();
        Err(if names.is_empty() {
            Missing::Wrong(format!("OME's description speaks of {total} planes, but the file has {there} of them"))
        } else {
            let (shown, more) =
                (names.iter().take(5).cloned().collect::<Vec<_>>().join(", "), names.len().saturating_sub(5));
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Missing::Elsewhere(format!(
                "{there} of the {total} planes of this OME-TIFF are in this file, the others in {shown}{more}; join them to one file first"
            ))
        })
    }
}

impl Image {
    /// Axes, the fastest first.
    fn axes(&self, samples: usize) -> Result<Vec<Axis>, String> {
        let size = |name: &str| match count(&self.pixels, name)? {
            Some(0) => Err(format!("OME's description says {name}=\"0\"")),
            Some(size) => Ok(size),
            None => Err(format!("OME's description does not say {name}")),
        };
        let [slices, mut channels, times] = [size("SizeZ")?, size("SizeC")?, size("SizeT")?];
        // The samples of a pixel are channels of their own to OME.
        let per_page = self.channel_samples.first().copied().unwrap_or(samples).max(1);
        if samples > 1 && per_page == samples && channels.is_multiple_of(samples) {
            channels /= samples;
        }
        let order = get(&self.pixels, "DimensionOrder").unwrap_or("XYCZT");
        let axes: Vec<Axis> = order
            .chars()
            .skip(2)
            .filter_map(|letter| match letter {
                'Z' => Some(Axis::new(Role::Slice, slices)),
                'C' => Some(Axis::new(Role::Channel, channels)),
                'T' => Some(Axis::new(Role::Time, times)),
                _ => None,
            })
            .collect();
        let roles: BTreeSet<Role> = axes.iter().map(|axis| axis.role).collect();
        if !order.starts_with("XY") || order.len() != 5 || roles.len() != 3 {
            return Err(format!("OME's description says DimensionOrder={order:?}, which is none of the six"));
        }
        Ok(axes)
    }

    /// Columns and rows, as far as they are said.
    pub fn size(&self) -> Result<[Option<usize>; 2], String> {
        Ok([count(&self.pixels, "SizeX")?, count(&self.pixels, "SizeY")?])
    }

    /// Size of a pixel along an axis (`X`, `Y`, `Z`) and its unit.
    pub fn physical_size(&self, axis: char) -> Option<(&str, &str)> {
        let value = get(&self.pixels, &format!("PhysicalSize{axis}"))?;
        Some((value, get(&self.pixels, &format!("PhysicalSize{axis}Unit")).unwrap_or("\u{b5}m")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ome(order: &str, sizes: [usize; 3], blocks: &str) -> Ome {
        let [z, c, t] = sizes;
        let pixels =
            format!("<Pixels DimensionOrder=\"{order}\" SizeX='4' SizeY='3' SizeZ='{z}' SizeC='{c}' SizeT='{t}'>");
        Ome::parse(&format!("<OME UUID='urn:uuid:1'><Image ID='Image:0'>{pixels}{blocks}</Pixels></Image></OME>"))
            .unwrap()
            .unwrap()
    }

    fn pages(ome: &Ome, count: usize) -> Result<Vec<usize>, String> {
        let image = &ome.images[0];
        ome.planes(image, "a.ome.tif", count, 1).map(|(_, pages)| pages).map_err(|missing| match missing {
            Missing::Elsewhere(text) | Missing::Wrong(text) => text,
        })
    }

    #[test]
    fn planes_follow_the_order_and_the_blocks() {
        // numpy: arange(12).reshape(t, c, z) and so on, transposed to (t, c, z).
        assert_eq!(pages(&ome("XYZCT", [3, 2, 2], ""), 12).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(pages(&ome("XYCZT", [3, 2, 2], ""), 12).unwrap(), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
        assert_eq!(pages(&ome("XYTCZ", [3, 2, 2], "<TiffData/>"), 12).unwrap(), [0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11]);
        let blocks = "<TiffData IFD='2' FirstZ='0' PlaneCount='1'/><TiffData IFD='0' FirstZ='1' PlaneCount='2'/>";
        assert_eq!(pages(&ome("XYZTC", [3, 1, 1], blocks), 3).unwrap(), [2, 0, 1]);
    }

    #[test]
    fn planes_of_other_files_and_of_none_are_told() {
        let here = "<TiffData IFD='0'><UUID FileName='b.ome.tif'>urn:uuid:1</UUID></TiffData>";
        let there = "<TiffData IFD='0' FirstZ='1'><UUID FileName='c.ome.tif'>urn:uuid:2</UUID></TiffData>";
        assert_eq!(pages(&ome("XYZCT", [1, 1, 1], here), 1).unwrap(), [0]);
        assert!(pages(&ome("XYZCT", [2, 1, 1], &(here.to_string() + there)), 1).unwrap_err().contains("c.ome.tif"));
        assert!(pages(&ome("XYZCT", [3, 1, 1], here), 1).unwrap_err().contains("1 of them"));
        assert!(pages(&ome("XYZCT", [3, 1, 1], "<TiffData IFD='7'/>"), 3).unwrap_err().contains("page 8 of 3"));
        assert!(pages(&ome("XYZZT", [3, 1, 1], ""), 3).unwrap_err().contains("XYZZT"));
        let binary = "<OME><BinaryOnly MetadataFile='all.companion.ome' UUID='urn:uuid:1'/></OME>";
        assert!(Ome::parse(binary).unwrap_err().contains("all.companion.ome"));
        assert!(Ome::parse("<html><OME/></html>").unwrap().is_none());
        assert!(Ome::parse("<OME><Image>").is_ok());
    }
}
