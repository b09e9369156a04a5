//! CelebA's files, in miniature: what is read, and what is refused.

use std::fs;
use std::path::PathBuf;

use cir_core::Image;
use cir_data::{DataConfig, DataSet, Part, Result, save_png};

const LIST: &str = "\
4
Bald Smiling Young
000009.jpg -1  1 -1
000007.jpg  1 -1 -1
b.jpg      -1 -1  1
a.jpg       1  1  1
";

struct Set(tempfile::TempDir);

impl Set {
    fn new() -> Self {
        let set = Self(tempfile::tempdir().unwrap());
        fs::create_dir(set.path("align_5p")).unwrap();
        set.write(LIST);
        for r in 1..=4u8 {
            // Twice as high as wide; PNG data under the published name is read as what it is.
            let grey = Image::filled(32, 16, [40 * r, 40 * r, 40 * r]);
            save_png(set.path(&format!("align_5p/{r:06}.jpg")), &grey).unwrap();
        }
        set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, list: &str) {
        fs::write(self.path("list_attr_celeba.txt"), list).unwrap();
    }

    fn open(&self, attributes: &str) -> Result<DataSet> {
        self.divided(attributes, "{ fraction = 0, seed = 1 }")
    }

    fn divided(&self, attributes: &str, hold_out: &str) -> Result<DataSet> {
        let text = format!(
            "card = \"celeba\"\nsize = 16\nroot = {:?}\nattributes = {attributes}\n\
             hold_out = {hold_out}",
            self.0.path().to_str().unwrap()
        );
        toml::from_str::<DataConfig>(&text).unwrap().open()
    }

    /// The message without the folder.
    fn error(&self, list: &str, attributes: &str) -> String {
        self.write(list);
        let error = self.open(attributes).unwrap_err().to_string();
        let folder = self.0.path().join("");
        error.strip_prefix(&*folder.to_string_lossy()).unwrap_or(&error).to_owned()
    }
}

const TWO: &str = "[\"Young\", \"Smiling\"]";

#[test]
fn rows_are_read_in_order_and_named_by_their_number() {
    let data = Set::new();
    let data = data.open(TWO).map(|data| {
        // Read while the folder is there.
        let images: Vec<_> = (0..4).map(|i| data.source.image(i).unwrap()).collect();
        (data, images)
    });
    let (data, images) = data.unwrap();
    assert_eq!(data.source.len(), 4);
    let labels: Vec<_> = (0..4).map(|i| data.source.labels(i)).collect();
    assert_eq!(labels, [[0, 1], [0, 0], [1, 0], [1, 1]]);
    for (i, image) in images.iter().enumerate() {
        assert_eq!((image.height(), image.width()), (16, 16));
        assert!(image.data().iter().all(|&b| usize::from(b) == 40 * (i + 1)));
    }
    assert_eq!((data.source.subject(0), data.source.changed(0, 0, 1)), (None, None));
}

#[test]
fn bad_files_are_named() {
    let set = Set::new();
    let error = |from: &str, to: &str| {
        assert!(LIST.contains(from));
        set.error(&LIST.replacen(from, to, 1), TWO)
    };
    assert_eq!(
        error("b.jpg      -1 -1  1", "b.jpg -1 -1"),
        "list_attr_celeba.txt line 5, values: found 2 after \"b.jpg\"; allowed: 3, one a column"
    );
    assert_eq!(
        error("000007.jpg  1 -1", "000007.jpg  1 0"),
        "list_attr_celeba.txt line 4, Smiling: found \"0\"; allowed: -1 or 1"
    );
    assert_eq!(
        error("4\n", "5\n"),
        "list_attr_celeba.txt line 1, count: found 5; allowed: 4, as many as there are rows"
    );
    assert_eq!(
        error("4\n", "Bald\n"),
        "list_attr_celeba.txt line 1, count: found \"Bald\"; allowed: the number of pictures"
    );
    assert_eq!(
        error(" Young", ""),
        "list_attr_celeba.txt line 3, values: found 3 after \"000009.jpg\"; allowed: 2, one a column"
    );
    assert_eq!(
        error("Young", "Old"),
        "list_attr_celeba.txt line 2, names: found Bald, Smiling, Old; allowed: a column \"Young\" too"
    );
    assert_eq!(
        set.error("", TWO),
        "list_attr_celeba.txt line 1, count: found \"\"; allowed: the number of pictures"
    );
    assert_eq!(
        set.error("0\n", TWO),
        "list_attr_celeba.txt line 2, names: found nothing; allowed: the names of the columns"
    );
    fs::remove_file(set.path("align_5p/000003.jpg")).unwrap();
    assert_eq!(
        set.error(LIST, TWO),
        "list_attr_celeba.txt line 5, picture: found no align_5p/000003.jpg; allowed: a picture for \
         every row; `cir data align` makes them"
    );
    fs::remove_dir_all(set.path("align_5p")).unwrap();
    assert!(set.error(LIST, TWO).starts_with("align_5p: cannot list the pictures"));
    fs::remove_file(set.path("list_attr_celeba.txt")).unwrap();
    let missing = set.open(TWO).unwrap_err().to_string();
    assert!(missing.contains("list_attr_celeba.txt: cannot read the list"), "{missing}");
}

#[test]
fn an_attribute_that_all_or_none_have_is_refused() {
    let set = Set::new();
    assert_eq!(
        set.error(&LIST.replace("-1\n", " 1\n"), TWO),
        "list_attr_celeba.txt: found no image with Young=no; expected images with and without it; \
         data.attributes can leave it out"
    );
    // It does not matter for an attribute that is not used.
    assert!(set.open("[\"Smiling\", \"Bald\"]").is_ok());
    let unknown = set.error(LIST, "[\"Smiling\", \"Grumpy\"]");
    assert!(unknown.starts_with("data.attributes: found \"Grumpy\"; allowed: 5_o_Clock_Shadow,"));
}

#[test]
fn the_published_division_is_read() {
    let set = Set::new();
    let write = |text: &str| fs::write(set.path("list_eval_partition.txt"), text).unwrap();
    let open = |attributes: &str| set.divided(attributes, "\"published\"");
    let error = |text: &str| {
        write(text);
        let error = open("[\"Bald\"]").unwrap_err().to_string();
        let folder = set.0.path().join("");
        error.strip_prefix(&*folder.to_string_lossy()).unwrap_or(&error).to_owned()
    };
    let missing = open(TWO).unwrap_err().to_string();
    assert!(missing.contains("list_eval_partition.txt: cannot read the division"), "{missing}");
    let whole = "000009.jpg 0\n000007.jpg 0\nb.jpg 1\na.jpg 2\n";
    write(whole);
    let data = open("[\"Bald\"]").unwrap();
    assert_eq!((&data.split.train[..], &data.split.held_out[..]), (&[0, 1][..], &[3][..]));
    assert_eq!(data.source.part(2), Some(Part::Neither));
    // Where nothing asks for it, it is not used.
    assert_eq!(set.open(TWO).unwrap().split.train.len(), 4);
    assert_eq!(
        open(TWO).unwrap_err().to_string(),
        "data.hold_out: found \"published\", without Young=yes in training; allowed: training images \
         of every value"
    );
    assert_eq!(
        error(&whole.replace('2', "1")),
        "data.hold_out: found \"published\", without an image for tests; allowed: some of each"
    );
    assert_eq!(
        error(&whole.replace('2', "3")),
        "list_eval_partition.txt line 4, part: found \"3\"; allowed: 0, 1 or 2"
    );
    assert_eq!(
        error(&whole.replace("b.jpg", "c.jpg")),
        "list_eval_partition.txt line 3, file: found \"c.jpg\"; allowed: \"b.jpg\", as in the list of \
         attributes"
    );
    assert_eq!(
        error(&whole.replace("b.jpg 1", "b.jpg")),
        "list_eval_partition.txt line 3, values: found \"b.jpg\"; allowed: a file and its part"
    );
    assert_eq!(
        error(&whole.replace("a.jpg 2\n", "")),
        "list_eval_partition.txt: found 3 rows; expected 4, as in the list of attributes"
    );
    assert_eq!(
        error(&format!("{whole}c.jpg 0\n")),
        "list_eval_partition.txt line 5, rows: found one more; allowed: 4 rows, as in the list of \
         attributes"
    );
}
