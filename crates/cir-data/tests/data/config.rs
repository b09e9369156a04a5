//! The `[data]` section and the built-in cards.

use cir_data::{Card, DataConfig, Division, HeldOut, HoldOut, Kind, cards};

fn error(text: &str) -> String {
    let config: DataConfig = toml::from_str(text).unwrap();
    config.open().unwrap_err().to_string()
}

const HOLD_OUT: &str = "hold_out = { fraction = 0.25, seed = 1 }";

#[test]
fn built_in_cards_are_whole() {
    let all = cards().unwrap();
    let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    let expected = [
        "fonts",
        "fonts-folder",
        "faces",
        "sketch-faces",
        "print-hand",
        "print-mnist",
        "celeba",
        "dsprites",
        "dsprites-npz",
        "ilab-6pose",
        "rafd",
        "unpaired",
    ];
    assert_eq!(names, expected);
    for card in all {
        assert_eq!(Card::open(&card.name).unwrap(), card);
        assert!(card.kind != Kind::Folder || card.description.contains("data.root"));
        assert!(card.description.len() > 50);
    }
}

#[test]
fn a_card_that_is_not_there_is_refused_with_where_it_was_looked_for() {
    let named = Card::open("phonts").unwrap_err().to_string();
    assert!(named.starts_with("data.card: found \"phonts\"; allowed: fonts, "), "{named}");
    let error = Card::open("mine/card.toml").unwrap_err().to_string();
    let whole = std::env::current_dir().unwrap().join("mine/card.toml");
    assert!(error.contains(&format!("no file {}; allowed:", whole.display())), "{error}");
}

#[test]
fn unknown_fields_and_missing_ones_are_refused() {
    let parse = |text: &str| toml::from_str::<DataConfig>(text).unwrap_err().to_string();
    let error = parse(&format!("card = \"fonts\"\nsize = 32\nsied = 1\n{HOLD_OUT}"));
    assert!(error.contains("unknown field `sied`, expected one of `card`, `root`"), "{error}");
    assert!(parse("card = \"fonts\"\nsize = 32").contains("missing field `hold_out`"));
    let error = parse("card = \"fonts\"\nsize = 32\nhold_out = { fraction = 0.1 }");
    assert!(error.contains("missing field `seed`"), "{error}");
}

#[test]
fn a_hold_out_is_a_draw_or_published() {
    let parse = |hold_out: &str| {
        toml::from_str::<DataConfig>(&format!("card = \"fonts\"\nsize = 32\nhold_out = {hold_out}"))
    };
    let drawn = parse("{ fraction = 0.1, seed = 2, of = \"subjects\" }").unwrap();
    let expected = HoldOut { fraction: 0.1, seed: 2, of: HeldOut::Subjects };
    assert_eq!(drawn.hold_out, Division::Drawn(expected));
    let published = parse("\"published\"").unwrap();
    assert_eq!(published.hold_out, Division::Published);
    for config in [drawn, published.clone()] {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<DataConfig>(&text).unwrap(), config);
    }
    assert_eq!(
        published.open().unwrap_err().to_string(),
        "data.hold_out: found \"published\"; allowed: { fraction, seed, of }; this data set was \
         published without a division"
    );
    let error = |hold_out: &str| parse(hold_out).unwrap_err().to_string();
    let allowed = "expected \"published\" or { fraction = 0.1, seed = 1, of = \"combinations\" }";
    let wrong = error("\"publisht\"");
    assert!(wrong.contains("invalid value: string \"publisht\"") && wrong.contains(allowed));
    assert!(error("0.1").contains(allowed), "{}", error("0.1"));
    assert!(error("{ fraction = 0, seed = 1, off = 1 }").contains("unknown field `off`"));
}

#[test]
fn wrong_settings_are_named_with_what_is_allowed() {
    let text = |more: &str| format!("size = 32\n{HOLD_OUT}\n{more}");
    assert_eq!(
        error(&text("card = \"font\"")),
        "data.card: found \"font\"; allowed: fonts, fonts-folder, faces, sketch-faces, print-hand, \
         print-mnist, celeba, dsprites, dsprites-npz, ilab-6pose, rafd, unpaired, or the path of a \
         card (TOML)"
    );
    let fonts = |more: &str| error(&text(&format!("card = \"fonts\"\n{more}")));
    assert!(
        fonts("values.letter = [\"A\", \"é\"]")
            .starts_with("data.values.letter: found \"é\"; allowed: A, B, C")
    );
    assert_eq!(
        fonts("values.size = [\"small\"]"),
        "data.values.size: found [\"small\"]; allowed: at least two of: small, medium, large"
    );
    assert_eq!(
        fonts("values.size = [\"small\", \"small\"]"),
        "data.values.size: found \"small\" twice; allowed: each value once"
    );
    let side = |size| error(&format!("card = \"fonts\"\nsize = {size}\n{HOLD_OUT}"));
    assert_eq!(side(8), "data.size: found 8; allowed: 16 to 256");
    let npz = format!("card = \"dsprites-npz\"\nsize = 32\n{HOLD_OUT}");
    assert_eq!(error(&npz), "data.size: found 32; allowed: 64");
    let rafd = error(&text("card = \"rafd\""));
    assert!(
        rafd.starts_with("data.root: found nothing; allowed: the place of the images. The Rad")
    );
    let missing = error(&text("card = \"rafd\"\nroot = \"/no/such/folder\""));
    assert!(missing.starts_with("/no/such/folder: found nothing; expected the folder of rafd."));
}

#[test]
fn attributes_are_chosen_and_ordered() {
    let open = |text: &str| {
        let config: DataConfig = toml::from_str(text).unwrap();
        config.open()
    };
    let text =
        |chosen: &str| format!("card = \"faces\"\nsize = 64\n{HOLD_OUT}\nattributes = {chosen}");
    let data = open(&text("[\"hat\", \"smile\"]")).unwrap();
    let names: Vec<&str> =
        data.index.schema().attributes().iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["hat", "smile"]);
    assert_eq!(
        error(&text("[\"hat\", \"hat\"]")),
        "data.attributes: found \"hat\" twice; allowed: each name once"
    );
    let subjects =
        "card = \"fonts\"\nsize = 32\nhold_out = { fraction = 0.1, seed = 1, of = \"subjects\" }";
    assert_eq!(
        error(subjects),
        "data.hold_out.of: found \"subjects\"; allowed: \"combinations\"; the images of this data \
         set have no subjects"
    );
}

#[test]
fn configurations_survive_writing() {
    let text =
        format!("card = \"fonts\"\nsize = 32\n{HOLD_OUT}\nvalues.size = [\"small\", \"large\"]");
    let config: DataConfig = toml::from_str(&text).unwrap();
    assert_eq!(toml::from_str::<DataConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
}

#[test]
fn the_same_recipe_opens_the_same_data() {
    let text = format!(
        "card = \"fonts\"\nsize = 32\n{HOLD_OUT}\nvalues.letter = [\"A\", \"b\", \"c\"]\n\
         values.font = [\"sans\", \"fat\"]"
    );
    let config: DataConfig = toml::from_str(&text).unwrap();
    let (a, b) = (config.open().unwrap(), config.open().unwrap());
    assert_eq!(a.split, b.split);
    for i in (0..a.source.len()).step_by(37) {
        assert_eq!(a.source.image(i).unwrap(), b.source.image(i).unwrap());
    }
}
