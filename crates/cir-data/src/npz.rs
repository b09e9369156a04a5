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
        let factors = Factors::new(&attributes)?;
        let schema = Schema::new(attributes)?;
        let labels = grid::combinations(&schema, distinct)?;
        let file = File::open(path).map_err(Error::io(path, "read the archive"))?;
        let mut archive = ZipArchive::new(BufReader::new(file))
            .map_err(|e| Error::file(path, e.to_string(), "a zip archive of arrays (.npz)"))?;
        let images = FACTORS.iter().product();
        check_classes(&mut archive, path, images)?;
        // Where each picture goes; the archive's order is that of the full grid.
        let mut place = vec![u32::MAX; images];
        for (i, labels) in labels.chunks_exact(5).enumerate() {
            let factors = factors.published(labels);
            let at =
                factors.iter().zip(&FACTORS[1..]).fold(0, |n, (&f, &c)| n * c + usize::from(f));
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
fn check_classes(archive: &mut Archive, path: &Path, images: usize) -> Result<()> {
    let name = "latents_classes.npy";
    let mut array = array(archive, path, name, "<i8", &[images, FACTORS.len()])?;
    let mut row = [0; 48];
    for i in 0..images {
        array.read_exact(&mut row).map_err(cut_off(path, name))?;
        let mut rest = i;
        for (j, &count) in FACTORS.iter().enumerate().rev() {
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
