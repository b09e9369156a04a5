//! The published dSprites archive: a zip file of NumPy arrays.
//!
//! The pictures fill 3 GB when inflated, so they are read as a stream and kept at a bit a pixel.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use cir_core::{Attribute, Image, Labels, Schema};
use zip::ZipArchive;

use crate::dsprites::Factors;
use crate::{Error, Result, Source, grid};

/// Numbers of values of the archive's six factors: color, shape, scale, orientation, posX, posY.
const FACTORS: [usize; 6] = [1, 3, 6, 40, 32, 32];
const SIDE: usize = 64;

/// The published sprites, or those of the values in use.
#[derive(Debug)]
pub struct DspritesNpz {
    schema: Schema,
    labels: Vec<u16>,
    /// A bit a pixel, a number a row, the leftmost pixel lowest.
    rows: Vec<u64>,
}

impl DspritesNpz {
    pub(crate) fn open(
        path: &Path,
        attributes: Vec<Attribute>,
        distinct: &[[String; 2]],
    ) -> Result<Self> {
        Self::read(path, attributes, distinct, FACTORS)
    }

    /// Reads an archive with `counts` values of each factor.
    fn read(
        path: &Path,
        attributes: Vec<Attribute>,
        distinct: &[[String; 2]],
        counts: [usize; 6],
    ) -> Result<Self> {
        let factors = Factors::new(&attributes)?;
        let schema = Schema::new(attributes)?;
        let labels = grid::combinations(&schema, distinct)?;
        let file = File::open(path).map_err(Error::io(path, "read the archive"))?;
        let mut archive = ZipArchive::new(BufReader::new(file))
            .map_err(|e| Error::file(path, e.to_string(), "a zip archive of arrays (.npz)"))?;
        let images = counts.iter().product();
        check_classes(&mut archive, path, counts)?;
        // Where each picture goes; the archive's order is that of the full grid.
        let mut place = vec![u32::MAX; images];
        for (i, labels) in labels.chunks_exact(5).enumerate() {
            let factors = factors.published(labels);
            let at = factors.iter().zip(&counts[1..]).fold(0, |n, (&f, &c)| n * c + usize::from(f));
            place[at] = i as u32;
        }
        let rows = read_images(&mut archive, path, &place, labels.len() / 5)?;
        Ok(Self { schema, labels, rows })
    }
}

impl Source for DspritesNpz {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.labels.len() / 5
    }

    fn labels(&self, index: usize) -> Labels {
        self.labels[index * 5..index * 5 + 5].to_vec()
    }

    fn image(&self, index: usize) -> Result<Image> {
        let rows = &self.rows[index * SIDE..(index + 1) * SIDE];
        let row = |&row: &u64| (0..SIDE).map(move |x| if row >> x & 1 == 1 { 255 } else { 0 });
        Ok(Image::new(1, SIDE, SIDE, rows.iter().flat_map(row).collect())?)
    }
}

type Archive = ZipArchive<BufReader<File>>;

/// Checks that the pictures are in the order of the full grid, posY running fastest.
fn check_classes(archive: &mut Archive, path: &Path, counts: [usize; 6]) -> Result<()> {
    let images = counts.iter().product();
    let name = "latents_classes.npy";
    let mut array = array(archive, path, name, "<i8", &[images, counts.len()])?;
    let mut row = [0; 48];
    for i in 0..images {
        array.read_exact(&mut row).map_err(cut_off(path, name))?;
        let mut rest = i;
        for (j, &count) in counts.iter().enumerate().rev() {
            let mut number = [0; 8];
            number.copy_from_slice(&row[8 * j..8 * j + 8]);
            let (found, expected) = (i64::from_le_bytes(number), (rest % count) as i64);
            if found != expected {
                let found = format!("{name}: {found} for factor {j} of image {i}");
                return Err(Error::file(path, found, format!("{expected}, as in dSprites")));
            }
            rest /= count;
        }
    }
    Ok(())
}

fn read_images(archive: &mut Archive, path: &Path, place: &[u32], kept: usize) -> Result<Vec<u64>> {
    let name = "imgs.npy";
    let mut array = array(archive, path, name, "|u1", &[place.len(), SIDE, SIDE])?;
    let mut rows = vec![0u64; kept * SIDE];
    let mut picture = [0; SIDE * SIDE];
    for (i, &place) in place.iter().enumerate() {
        array.read_exact(&mut picture).map_err(cut_off(path, name))?;
        if let Some(&other) = picture.iter().find(|&&pixel| pixel > 1) {
            let found = format!("{name}: a pixel of {other} in image {i}");
            return Err(Error::file(path, found, "0 or 1"));
        }
        if place != u32::MAX {
            for (y, row) in picture.chunks_exact(SIDE).enumerate() {
                let bits = row.iter().rev().fold(0, |bits, &pixel| bits << 1 | u64::from(pixel));
                rows[place as usize * SIDE + y] = bits;
            }
        }
    }
    Ok(rows)
}

/// Opens an array and checks its header.
fn array<'a>(
    archive: &'a mut Archive,
    path: &Path,
    name: &str,
    dtype: &str,
    shape: &[usize],
) -> Result<impl Read + 'a> {
    let held: Vec<String> = archive.file_names().flatten().map(|n| n.into_owned()).collect();
    let entry = archive.by_name(name).map_err(|e| {
        let found = format!("{} ({e})", held.join(", "));
        Error::file(path, found, format!("an array {name}"))
    })?;
    let mut entry = BufReader::new(entry);
    let header = header(&mut entry).map_err(cut_off(path, name))?;
    // NumPy under Python 2 wrote long numbers, as in (737280L, 64L, 64L).
    let header = header.replace("L,", ",").replace("L)", ")");
    let sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let wanted = [
        format!("'descr': '{dtype}'"),
        "'fortran_order': False".to_owned(),
        format!("'shape': ({sizes})"),
    ];
    if !wanted.iter().all(|w| header.contains(w.as_str())) {
        let found = format!("{name} with header {}", header.trim());
        return Err(Error::file(path, found, wanted.join(", ")));
    }
    Ok(entry)
}

/// The header of an array in NumPy's format 1, 2 or 3.
fn header(entry: &mut impl Read) -> std::io::Result<String> {
    let wrong = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
    let mut start = [0; 8];
    entry.read_exact(&mut start)?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(wrong("not a NumPy array"));
    }
    let mut length = [0; 4];
    entry.read_exact(&mut length[..if start[6] == 1 { 2 } else { 4 }])?;
    let length = u32::from_le_bytes(length);
    if length > 65536 {
        return Err(wrong("a header of more than 65536 bytes"));
    }
    let mut text = vec![0; length as usize];
    entry.read_exact(&mut text)?;
    String::from_utf8(text).map_err(|_| wrong("a header that is not text"))
}

fn cut_off<'a>(path: &'a Path, name: &'a str) -> impl Fn(std::io::Error) -> Error + 'a {
    move |e| Error::file(path, format!("{name}, damaged or cut off ({e})"), "a whole array")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn attributes() -> Vec<Attribute> {
        let values = |n: usize| (0..n).map(|i| i.to_string()).collect();
        let named = |all: &[&str]| all.iter().map(|v| (*v).to_owned()).collect();
        let of = |name: &str, values| Attribute { name: name.into(), values };
        vec![
            of("shape", named(&["heart", "square"])),
            of("scale", named(&["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"])),
            of("orientation", values(2)),
            of("x", values(2)),
            of("y", values(2)),
        ]
    }

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn archive(entries: &[(&str, Vec<u8>)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, bytes) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    const COUNTS: [usize; 6] = [1, 3, 6, 2, 2, 2];

    /// Image i has pixel i white, and no other.
    fn whole() -> (Vec<u8>, Vec<u8>) {
        let mut classes = Vec::new();
        let mut pixels = vec![0; 144 * 4096];
        for i in 0..144usize {
            let numbers = [0, i / 48, i / 8 % 6, i / 4 % 2, i / 2 % 2, i % 2];
            classes.extend(numbers.iter().flat_map(|&n| (n as i64).to_le_bytes()));
            pixels[i * 4096 + i] = 1;
        }
        (classes, pixels)
    }

    fn read(entries: &[(&str, Vec<u8>)]) -> Result<DspritesNpz> {
        DspritesNpz::read(archive(entries).path(), attributes(), &[], COUNTS)
    }

    #[test]
    fn pictures_are_found_by_their_labels() {
        let (classes, pixels) = whole();
        let data = read(&[
            ("latents_classes.npy", npy("<i8", "(144, 6)", &classes)),
            ("imgs.npy", npy("|u1", "(144L, 64L, 64L)", &pixels)),
        ])
        .unwrap();
        assert_eq!(data.len(), 96);
        for i in 0..data.len() {
            let labels = data.labels(i);
            let shape = if labels[0] == 0 { 2 } else { 0 };
            let rest = labels[1..].iter().zip([6, 2, 2, 2]);
            let at = rest.fold(shape, |n, (&l, count)| n * count + usize::from(l));
            let image = data.image(i).unwrap();
            let white: Vec<usize> = (0..4096).filter(|&p| image.data()[p] == 255).collect();
            assert_eq!(white, [at]);
        }
    }

    #[test]
    fn wrong_archives_are_named() {
        let (classes, pixels) = whole();
        let good = npy("<i8", "(144, 6)", &classes);
        let error = |entries: &[(&str, Vec<u8>)]| read(entries).unwrap_err().to_string();
        let missing = error(&[("latents_classes.npy", good.clone())]);
        assert!(missing.contains("expected an array imgs.npy"), "{missing}");
        let images = npy("|u1", "(143, 64, 64)", &pixels);
        let shape = error(&[("latents_classes.npy", good.clone()), ("imgs.npy", images)]);
        assert!(shape.contains("'shape': (143, 64, 64)"), "{shape}");
        assert!(shape.ends_with("'shape': (144, 64, 64)"), "{shape}");
        let images = npy("<f4", "(144, 64, 64)", &pixels);
        let dtype = error(&[("latents_classes.npy", good.clone()), ("imgs.npy", images)]);
        assert!(dtype.contains("'descr': '<f4'") && dtype.contains("'descr': '|u1'"), "{dtype}");
        let images = npy("|u1", "(144, 64, 64)", &pixels[1..]);
        let short = error(&[("latents_classes.npy", good.clone()), ("imgs.npy", images)]);
        assert!(short.contains("imgs.npy, damaged or cut off"), "{short}");
        let mut grey = pixels.clone();
        grey[4096 * 3] = 7;
        let images = npy("|u1", "(144, 64, 64)", &grey);
        let grey = error(&[("latents_classes.npy", good), ("imgs.npy", images)]);
        assert!(grey.contains("a pixel of 7 in image 3; expected 0 or 1"), "{grey}");
        let mut swapped = classes.clone();
        swapped[8 * (6 * 5 + 5)] = 0;
        let order = error(&[("latents_classes.npy", npy("<i8", "(144, 6)", &swapped))]);
        assert!(order.contains("0 for factor 5 of image 5; expected 1"), "{order}");
        let text = tempfile::NamedTempFile::new().unwrap();
        let error = DspritesNpz::open(text.path(), attributes(), &[]).unwrap_err().to_string();
        assert!(error.contains("expected a zip archive"), "{error}");
    }
}
