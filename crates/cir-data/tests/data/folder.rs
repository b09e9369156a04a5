//! Data sets of one's own: a folder and one TOML card, and what can be wrong with them.

use std::fs;
use std::path::{Path, PathBuf};

use cir_core::Image;
use cir_data::{DataConfig, DataSet, Result, load_image, save_png};
use image::ImageEncoder;

const COLOURS: [(&str, [u8; 3]); 3] =
    [("red", [255, 0, 0]), ("green", [0, 255, 0]), ("blue", [0, 0, 255])];
const GREYS: [(&str, u8); 2] = [("dark", 40), ("light", 200)];

/// A folder of pictures: upper half of one colour, lower half of a grey.
struct Set {
    folder: tempfile::TempDir,
}

impl Set {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn picture(&self, name: &str, colour: [u8; 3], grey: u8, side: usize) {
        let half = |pixel: [u8; 3]| pixel.into_iter().cycle().take(3 * side * side / 2);
        let data = half(colour).chain(half([grey; 3])).collect();
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        save_png(self.path(name), &Image::new(3, side, side, data).unwrap()).unwrap();
    }

    /// The pictures and their table.
    fn with_table() -> Self {
        let set = Self::new();
        let mut table = String::from("file,top colour,bottom,remark\n");
        for (colour, rgb) in COLOURS {
            for (grey, byte) in GREYS {
                let name = format!("{colour}-{grey}.png");
                set.picture(&format!("pictures/{name}"), rgb, byte, 16);
                table += &format!("{name}, {colour},{grey},\"any, text\"\n");
            }
        }
        set.write("pictures/labels.csv", table);
        set.card(
            r#"csv = { file = "labels.csv", image_column = "file", columns = { top = "top colour" } }"#,
        );
        set
    }

    fn with_paths() -> Self {
        let set = Self::new();
        for (colour, rgb) in COLOURS {
            for (grey, byte) in GREYS {
                set.picture(&format!("pictures/{grey}/{colour}_1.png"), rgb, byte, 16);
            }
        }
        set.card(r#"pattern = "{bottom}/{top}_{*}.png""#);
        set
    }

    fn card(&self, labels: &str) {
        let text = format!(
            r#"
            name = "halves"
            kind = "folder"
            description = "Two halves."
            source = "made by a test"
            licence = "none"
            channels = 3
            [[attributes]]
            name = "top"
            [[attributes]]
            name = "bottom"
            values = ["dark", "light"]
            [files]
            root = "pictures"
            {labels}
            "#
        );
        self.write("halves.toml", text);
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from));
        self.write(name, text.replace(from, to));
    }

    fn open_with(&self, more: &str) -> Result<DataSet> {
        let card = self.path("halves.toml");
        let text = format!(
            "card = {:?}\nsize = 16\nhold_out = {{ fraction = 0.2, seed = 1 }}\n{more}",
            card.to_str().unwrap()
        );
        toml::from_str::<DataConfig>(&text).unwrap().open()
    }

    fn open(&self) -> Result<DataSet> {
        self.open_with("")
    }

    fn error(&self) -> String {
        self.open().unwrap_err().to_string()
    }
}

fn check(data: &DataSet) {
    assert_eq!((data.name.as_str(), data.source.len()), ("halves", 6));
    let attributes = data.index.schema().attributes();
    assert_eq!(attributes[0].values, ["blue", "green", "red"]);
    assert_eq!(attributes[1].values, ["dark", "light"]);
    assert_eq!((data.split.train.len(), data.split.held_out.len()), (5, 1));
    for (top, grey) in [(0, 0), (2, 1), (1, 0)] {
        let image = data.source.image(data.index.find(&[top, grey]).unwrap()).unwrap();
        let colour = COLOURS[2 - usize::from(top)].1;
        assert_eq!(image.data()[..3], colour);
        assert_eq!(image.data()[3 * 16 * 15..][..3], [GREYS[usize::from(grey)].1; 3]);
    }
}

#[test]
fn a_folder_and_a_table_need_one_card() {
    check(&Set::with_table().open().unwrap());
}

#[test]
fn a_folder_and_a_pattern_need_one_card() {
    check(&Set::with_paths().open().unwrap());
}

#[test]
fn pictures_can_be_webp() {
    let set = Set::with_table();
    let picture = image::open(set.path("pictures/red-light.png")).unwrap();
    picture.save(set.path("pictures/red-light.webp")).unwrap();
    fs::remove_file(set.path("pictures/red-light.png")).unwrap();
    set.replace("pictures/labels.csv", "red-light.png", "red-light.webp");
    check(&set.open().unwrap());
}

#[test]
fn pictures_of_other_kinds_are_not_passed_over() {
    let set = Set::with_paths();
    set.write("pictures/dark/notes.txt", "no picture");
    set.write("pictures/dark/._red_1.png", "hidden: what macOS leaves beside a picture");
    check(&set.open().unwrap());
    set.write("pictures/dark/red_2.tiff", "II*");
    let error = set.error();
    let expected = "red_2.tiff: found another kind of picture; expected PNG, JPEG or WebP";
    assert!(error.ends_with(expected), "{error}");
    set.replace("halves.toml", "pattern =", "unmatched = \"skip\"\npattern =");
    set.picture("pictures/dark/red.png", [0; 3], 0, 16);
    set.picture("pictures/drak/red_3.png", [0; 3], 0, 16);
    let data = set.open().unwrap();
    check(&data);
    assert_eq!(data.source.left_out(), 3, "of another kind, without a number, of no value");
}

/// Cameras store pictures as their sensor lies; a tag says how to turn them.
#[test]
fn pictures_are_turned_upright() {
    let set = Set::new();
    let path = set.path("lying.jpg");
    let lying: Vec<u8> = (0..16 * 16).flat_map(|i| [if i % 16 < 8 { 255 } else { 0 }; 3]).collect();
    // The one entry of the directory: orientation, 6, "turn clockwise".
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(fs::File::create(&path).unwrap());
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(&lying, 16, 16, image::ExtendedColorType::Rgb8).unwrap();
    let (upright, _) = load_image(&path, 1, 16).unwrap();
    let (first, last) = (upright.data()[..16].to_vec(), upright.data()[240..].to_vec());
    assert!(first.iter().all(|&p| p > 240) && last.iter().all(|&p| p < 15), "{first:?} {last:?}");
}

#[test]
fn values_can_be_left_out_and_are_checked() {
    for set in [Set::with_table(), Set::with_paths()] {
        let data = set.open_with("values.top = [\"red\", \"blue\"]").unwrap();
        assert_eq!(data.source.len(), 4);
        assert_eq!(data.index.schema().attributes()[0].values, ["red", "blue"]);
        let error = |more: &str| set.open_with(more).unwrap_err().to_string();
        let wrong = error("values.top = [\"red\", \"pink\"]");
        assert_eq!(wrong, "data.values.top: found \"pink\"; allowed: blue, green, red");
        let wrong = error("values.bottom = [\"dark\", \"grey\"]");
        assert_eq!(wrong, "data.values.bottom: found \"grey\"; allowed: dark, light");
        let wrong = error("values.middle = [\"a\", \"b\"]");
        assert_eq!(wrong, "data.values: found \"middle\"; allowed: top, bottom");
    }
}

#[test]
fn each_mistake_in_a_table_is_named() {
    let edited = |from: &str, to: &str| {
        let set = Set::with_table();
        set.replace("pictures/labels.csv", from, to);
        let error = set.error();
        error.strip_prefix(set.path("pictures").to_str().unwrap()).unwrap_or(&error).to_owned()
    };
    let error = edited("bottom,", "low,");
    assert_eq!(
        error,
        "/labels.csv: found the columns file, top colour, low, remark; expected a column \
         \"bottom\" (attribute bottom)"
    );
    let error = edited("top colour,", "top,");
    assert!(error.ends_with("expected a column \"top colour\" (attribute top)"), "{error}");
    let error = edited("file,", "image,");
    assert!(error.ends_with("a column \"file\" (files.csv.image_column)"), "{error}");
    let error = edited("green,dark", "green,drak");
    assert_eq!(error, "/labels.csv line 4, bottom: found \"drak\"; allowed: dark, light");
    let error = edited("green,dark", ",dark");
    assert_eq!(error, "/labels.csv line 4, top: found nothing; allowed: a value");
    let error = edited("blue-light.png", "blue-lihgt.png");
    assert!(
        error.starts_with("/labels.csv line 7, file: found \"blue-lihgt.png\", where no file is"),
        "{error}"
    );
    let error = edited("blue-light.png", "red-dark.png");
    assert!(error.contains("line 7, file: found \"red-dark.png\" as in line 2"), "{error}");
    let error = edited("light,\"any, text\"\ngreen", "light\ngreen");
    assert!(error.contains("found CSV error: record 2 (line: 3"), "{error}");
    let set = Set::with_table();
    fs::remove_file(set.path("pictures/labels.csv")).unwrap();
    assert!(set.error().contains("labels.csv: cannot read the labels: "), "{}", set.error());
    let header = Set::with_table();
    header.write("pictures/labels.csv", "file,top colour,bottom\n");
    assert!(header.error().ends_with("found no image; expected images with labels"));
}

#[test]
fn each_mistake_in_a_folder_is_named() {
    let set = Set::with_paths();
    set.picture("pictures/dark/red.png", [0; 3], 0, 16);
    let error = set.error();
    assert!(
        error.ends_with(
            "dark/red.png: found a path that does not fit; expected a path like {bottom}/{top}_{*}.png"
        ),
        "{error}"
    );
    set.card("pattern = \"{bottom}/{top}_{*}.png\"\nunmatched = \"skip\"");
    check(&set.open().unwrap());

    let set = Set::with_paths();
    set.picture("pictures/drak/red_1.png", [0; 3], 0, 16);
    set.write("pictures/notes.txt", "no image, no matter");
    let error = set.error();
    assert!(
        error.ends_with("red_1.png: found bottom \"drak\"; expected one of dark, light"),
        "{error}"
    );
    fs::remove_dir_all(set.path("pictures/drak")).unwrap();
    fs::remove_dir_all(set.path("pictures/dark")).unwrap();
    assert!(
        set.error().contains("found no image with bottom=dark; expected images of every value")
    );
    fs::remove_dir_all(set.path("pictures")).unwrap();
    assert!(
        set.error().contains("pictures: found nothing; expected the folder of halves. Two halves.")
    );
}

#[test]
fn each_mistake_in_a_card_is_named() {
    let edited = |from: &str, to: &str| {
        let set = Set::with_table();
        set.replace("halves.toml", from, to);
        set.error()
    };
    let error = edited("channels = 3", "chanels = 3");
    assert!(
        error.contains("halves.toml: ") && error.contains("unknown field `chanels`"),
        "{error}"
    );
    let error = edited("channels = 3", "channels = 4");
    assert!(error.ends_with("channels: found 4; allowed: 1 or 3"), "{error}");
    let error = edited("kind = \"folder\"", "kind = \"fodler\"");
    assert!(error.contains("unknown variant `fodler`, expected one of `fonts`"), "{error}");
    let error = edited("columns = { top", "columns = { tip");
    assert!(error.ends_with("files.csv.columns: found \"tip\"; allowed: top, bottom"), "{error}");
    let error = edited("csv =", "pattern = \"{top}.png\"\ncsv =");
    assert!(error.ends_with("files: found both; allowed: either csv or pattern"), "{error}");
    let error = edited("values = [\"dark\", \"light\"]", "values = [\"dark\"]");
    assert!(error.contains("line 3, bottom: found \"light\"; allowed: dark"), "{error}");
    let error = edited("name = \"bottom\"", "name = \"top\"");
    assert!(error.contains("\"top\" twice"), "{error}");
}

#[test]
fn files_that_are_no_images_are_named_when_they_are_needed() {
    let set = Set::with_table();
    let whole = fs::read(set.path("pictures/red-dark.png")).unwrap();
    set.write("pictures/red-dark.png", "not a picture");
    set.write("pictures/red-light.png", &whole[..whole.len() / 2]);
    set.write("pictures/blue-dark.png", b"GIF89a\x01\x00\x01\x00");
    let data = set.open().unwrap();
    let error = |top, bottom| {
        let at = data.index.find(&[top, bottom]).unwrap();
        data.source.image(at).unwrap_err().to_string()
    };
    let text = error(2, 0);
    assert!(
        text.ends_with("red-dark.png: found no image data; expected a PNG, JPEG or WebP image"),
        "{text}"
    );
    let text = error(2, 1);
    assert!(text.contains("red-light.png: found truncated or damaged data"), "{text}");
    let text = error(0, 0);
    assert!(
        text.ends_with("blue-dark.png: found Gif data; expected a PNG, JPEG or WebP image"),
        "{text}"
    );
    fs::remove_file(set.path("pictures/green-dark.png")).unwrap();
    assert!(error(1, 0).contains("green-dark.png: cannot read the image: "));
}

#[test]
fn pictures_of_another_size_are_resized_and_it_is_told() {
    let set = Set::new();
    let wide: Vec<u8> = (0..20 * 40).flat_map(|i| [if i % 40 < 20 { 255 } else { 0 }; 3]).collect();
    let path = set.path("wide.png");
    save_png(&path, &Image::new(3, 20, 40, wide).unwrap()).unwrap();
    let (image, original) = load_image(&path, 1, 10).unwrap();
    assert_eq!((image.channels(), image.height(), image.width()), (1, 10, 10));
    assert_eq!(original, Some((20, 40)));
    assert_eq!((image.data()[0], image.data()[9]), (255, 0));
    let load = |how| cir_data::load_resized(&path, 3, 20, how).unwrap().0;
    let fit = load(cir_data::Resize::Fit);
    assert_eq!((fit.data()[0], fit.data()[3 * 20 * 10]), (0, 255));
    assert_eq!(load(cir_data::Resize::Exact).data()[0], 255);
    let square = set.path("square.png");
    save_png(&square, &Image::filled(8, 8, [9])).unwrap();
    assert_eq!(load_image(&square, 3, 8).unwrap(), (Image::filled(8, 8, [9; 3]), None));
}

#[test]
fn png_files_are_whole_or_not_there() {
    let set = Set::new();
    let picture = Image::filled(4, 4, [1, 2, 3]);
    let error = save_png(set.path("no/folder.png"), &picture).unwrap_err().to_string();
    assert!(error.contains("no/folder.png: cannot write the picture: "), "{error}");
    save_png(set.path("a.png"), &picture).unwrap();
    save_png(set.path("a.png"), &Image::filled(4, 4, [7])).unwrap();
    assert_eq!(load_image(set.path("a.png"), 1, 4).unwrap().0, Image::filled(4, 4, [7]));
    let names: Vec<_> = fs::read_dir(set.folder.path()).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(names.len(), 1, "nothing is left beside");
    assert!(Path::new(&names[0].path()).ends_with("a.png"));
}

#[test]
fn a_folder_of_ones_own_with_binary_labels_is_enough() {
    let set = Set::new();
    let mut table = String::from("photo,smiling,hat\n");
    for i in 0..8u8 {
        set.picture(&format!("pictures/{i}.png"), [30 * i, 0, 0], 9, 16);
        table += &format!("{i}.png,{},{}\n", i & 1, i >> 1 & 1);
    }
    set.write("pictures/labels.csv", table);
    let card = r#"csv = { file = "labels.csv", image_column = "photo" }"#;
    set.card(card);
    set.replace("halves.toml", "name = \"top\"", "name = \"smiling\"");
    set.replace("halves.toml", "name = \"bottom\"", "name = \"hat\"");
    set.replace("halves.toml", "[\"dark\", \"light\"]", "[\"0\", \"1\"]");
    let data = set.open_with("").unwrap();
    let attributes = data.index.schema().attributes();
    assert_eq!(
        (attributes[0].name.as_str(), &*attributes[0].values),
        ("smiling", &["0".to_owned(), "1".to_owned()][..])
    );
    assert_eq!(data.source.labels(5), [1, 0]);
    let ones: Vec<_> = (0..8).filter(|&i| data.index.labels(i)[1] == 1).collect();
    assert_eq!(ones, [2, 3, 6, 7]);
}

#[test]
fn attributes_can_be_left_out_of_tables_and_of_paths() {
    for set in [Set::with_table(), Set::with_paths()] {
        let text = format!(
            "card = {:?}\nsize = 16\nhold_out = {{ fraction = 0, seed = 1 }}\nattributes = [\"bottom\"]",
            set.path("halves.toml").to_str().unwrap()
        );
        let data = toml::from_str::<DataConfig>(&text).unwrap().open().unwrap();
        assert_eq!(data.index.schema().len(), 1);
        let ones = (0..6).filter(|&i| data.index.labels(i) == [1]).count();
        assert_eq!((data.index.len(), ones), (6, 3));
    }
}
