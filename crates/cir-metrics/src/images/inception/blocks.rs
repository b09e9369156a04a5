//! Inception's layers by torchvision's names.

use super::layers::Step::{self, Average, Fork, Inside, Largest, Same};

/// Up to the first block.
pub(super) const STEM: &[Step] = &[
    Inside("Conv2d_1a_3x3", 32, 3, 2),
    Inside("Conv2d_2a_3x3", 32, 3, 1),
    Same("Conv2d_2b_3x3", 64, [3, 3]),
    Largest(2),
    Inside("Conv2d_3b_1x1", 80, 1, 1),
    Inside("Conv2d_4a_3x3", 192, 3, 1),
    Largest(2),
];

/// The blocks by name, each a list of branches whose results are joined.
pub(super) fn blocks() -> [(&'static str, Vec<Vec<Step>>); 11] {
    [
        ("Mixed_5b", a(32)),
        ("Mixed_5c", a(64)),
        ("Mixed_5d", a(64)),
        ("Mixed_6a", b()),
        ("Mixed_6b", c(128)),
        ("Mixed_6c", c(160)),
        ("Mixed_6d", c(160)),
        ("Mixed_6e", c(192)),
        ("Mixed_7a", d()),
        ("Mixed_7b", e(Average)),
        ("Mixed_7c", e(Largest(1))),
    ]
}

fn point(name: &'static str, out: usize) -> Step {
    Same(name, out, [1, 1])
}

/// torchvision's InceptionA.
fn a(pool: usize) -> Vec<Vec<Step>> {
    vec![
        vec![point("branch1x1", 64)],
        vec![point("branch5x5_1", 48), Same("branch5x5_2", 64, [5, 5])],
        vec![
            point("branch3x3dbl_1", 64),
            Same("branch3x3dbl_2", 96, [3, 3]),
            Same("branch3x3dbl_3", 96, [3, 3]),
        ],
        vec![Average, point("branch_pool", pool)],
    ]
}

/// InceptionB.
fn b() -> Vec<Vec<Step>> {
    vec![
        vec![Inside("branch3x3", 384, 3, 2)],
        vec![
            point("branch3x3dbl_1", 64),
            Same("branch3x3dbl_2", 96, [3, 3]),
            Inside("branch3x3dbl_3", 96, 3, 2),
        ],
        vec![Largest(2)],
    ]
}

/// InceptionC.
fn c(width: usize) -> Vec<Vec<Step>> {
    vec![
        vec![point("branch1x1", 192)],
        vec![
            point("branch7x7_1", width),
            Same("branch7x7_2", width, [1, 7]),
            Same("branch7x7_3", 192, [7, 1]),
        ],
        vec![
            point("branch7x7dbl_1", width),
            Same("branch7x7dbl_2", width, [7, 1]),
            Same("branch7x7dbl_3", width, [1, 7]),
            Same("branch7x7dbl_4", width, [7, 1]),
            Same("branch7x7dbl_5", 192, [1, 7]),
        ],
        vec![Average, point("branch_pool", 192)],
    ]
}

/// InceptionD.
fn d() -> Vec<Vec<Step>> {
    vec![
        vec![point("branch3x3_1", 192), Inside("branch3x3_2", 320, 3, 2)],
        vec![
            point("branch7x7x3_1", 192),
            Same("branch7x7x3_2", 192, [1, 7]),
            Same("branch7x7x3_3", 192, [7, 1]),
            Inside("branch7x7x3_4", 192, 3, 2),
        ],
        vec![Largest(2)],
    ]
}

/// InceptionE.
fn e(pool: Step) -> Vec<Vec<Step>> {
    vec![
        vec![point("branch1x1", 320)],
        vec![point("branch3x3_1", 384), Fork(["branch3x3_2a", "branch3x3_2b"], 384)],
        vec![
            point("branch3x3dbl_1", 448),
            Same("branch3x3dbl_2", 384, [3, 3]),
            Fork(["branch3x3dbl_3a", "branch3x3dbl_3b"], 384),
        ],
        vec![pool, point("branch_pool", 192)],
    ]
}
