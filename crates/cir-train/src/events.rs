//! TensorBoard event files: TFRecord frames around protobuf `Event` messages, encoded by hand.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

/// Appends events to one file.
#[derive(Debug)]
pub(crate) struct EventWriter {
    file: BufWriter<File>,
}

impl EventWriter {
    /// Makes an event file in `folder` for the steps after `step`: TensorBoard is told to drop what
    /// older files say of them.
    pub(crate) fn create(folder: &Path, wall_time: f64, step: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // TensorBoard reads the files of a folder in the order of their names: a clock that was set
        // back must not put this one before those that are there.
        let stamp = |name: &str| name.split('.').nth(3)?.parse::<u64>().ok();
        let newest = fs::read_dir(folder)?.flatten().filter_map(|e| stamp(e.file_name().to_str()?));
        let stamp = newest.fold(wall_time as u64, u64::max);
        let name = |n: u32| format!("events.out.tfevents.{stamp:010}.cir.{n:03}");
        let file = (0..)
            .map(|n| File::create_new(folder.join(name(n))))
            .find(|file| !matches!(file, Err(e) if e.kind() == io::ErrorKind::AlreadyExists))
            .unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::AlreadyExists)))?;
        let mut writer = Self { file: BufWriter::new(file) };
        let mut version = event(wall_time, 0);
        bytes(&mut version, 3, b"brain.Event:2");
        writer.frame(&version)?;
        let mut log = Vec::new();
        number(&mut log, 1, 1); // SessionLog.status = START
        let mut start = event(wall_time, step + 1);
        bytes(&mut start, 7, &log);
        writer.frame(&start)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Writes named numbers of one step.
    pub(crate) fn scalars(
        &mut self,
        step: u64,
        wall_time: f64,
        values: &[(String, f64)],
    ) -> io::Result<()> {
        let mut summary = Vec::new();
        for (tag, value) in values {
            let mut entry = Vec::new();
            bytes(&mut entry, 1, tag.as_bytes());
            key(&mut entry, 2, FIXED32);
            entry.extend((*value as f32).to_le_bytes());
            bytes(&mut summary, 1, &entry);
        }
        self.summary(step, wall_time, &summary)
    }

    /// Writes a picture, encoded as PNG.
    pub(crate) fn image(
        &mut self,
        step: u64,
        wall_time: f64,
        tag: &str,
        png: &[u8],
        [width, height, channels]: [usize; 3],
    ) -> io::Result<()> {
        let mut image = Vec::new();
        number(&mut image, 1, height as u64);
        number(&mut image, 2, width as u64);
        number(&mut image, 3, channels as u64);
        bytes(&mut image, 4, png);
        let mut entry = Vec::new();
        bytes(&mut entry, 1, tag.as_bytes());
        bytes(&mut entry, 4, &image);
        let mut summary = Vec::new();
        bytes(&mut summary, 1, &entry);
        self.summary(step, wall_time, &summary)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn summary(&mut self, step: u64, wall_time: f64, summary: &[u8]) -> io::Result<()> {
        let mut message = event(wall_time, step);
        bytes(&mut message, 5, summary);
        self.frame(&message)?;
        // In one piece, and at once: whoever watches does not wait for a buffer to fill.
        self.flush()
    }

    /// One TFRecord: length, its checksum, message, its checksum.
    fn frame(&mut self, message: &[u8]) -> io::Result<()> {
        let length = (message.len() as u64).to_le_bytes();
        self.file.write_all(&length)?;
        self.file.write_all(&masked_crc(&length).to_le_bytes())?;
        self.file.write_all(message)?;
        self.file.write_all(&masked_crc(message).to_le_bytes())
    }
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// The fields that every event has: wall_time (1) and step (2).
fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut message = Vec::new();
    key(&mut message, 1, FIXED64);
    message.extend(wall_time.to_le_bytes());
    number(&mut message, 2, step);
    message
}

fn key(message: &mut Vec<u8>, field: u64, wire_type: u64) {
    varint(message, field << 3 | wire_type);
}

fn number(message: &mut Vec<u8>, field: u64, value: u64) {
    key(message, field, VARINT);
    varint(message, value);
}

fn bytes(message: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(message, field, LENGTH);
    varint(message, value.len() as u64);
    message.extend_from_slice(value);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// TFRecord's checksum: CRC-32C, rotated and shifted so that checksums of checksums differ.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame of TensorFlow's own empty-length header: masked CRC of eight zero bytes.
    #[test]
    fn checksums_are_masked_crc32c() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked_crc(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn frames_hold_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path(), 12., 4).unwrap();
        writer.scalars(5, 13., &[("loss".into(), 0.5)]).unwrap();
        let path = folder.path().join("events.out.tfevents.0000000012.cir.000");
        let data = fs::read(path).unwrap();
        let (mut at, mut messages) = (0, Vec::new());
        while at < data.len() {
            let length = u64::from_le_bytes(data[at..at + 8].try_into().unwrap()) as usize;
            let message = &data[at + 12..at + 12 + length];
            let crc = u32::from_le_bytes(data[at + 12 + length..][..4].try_into().unwrap());
            assert_eq!(crc, masked_crc(message));
            messages.push(message.to_vec());
            at += length + 16;
        }
        assert_eq!(messages.len(), 3);
        assert!(messages[0].windows(13).any(|w| w == b"brain.Event:2"));
        assert_eq!(messages[1][9..], [0x10, 5, 0x3a, 2, 8, 1]);
        assert!(messages[2].windows(4).any(|w| w == b"loss"));
        // The clock was set back.
        EventWriter::create(folder.path(), 11., 4).unwrap();
        assert!(folder.path().join("events.out.tfevents.0000000012.cir.001").is_file());
    }
}
