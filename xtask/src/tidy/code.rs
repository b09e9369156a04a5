//! Rust text without its comments and literals.

/// `text` with comments, strings and characters blanked; lines keep their numbers.
pub(super) fn only(text: &str) -> String {
    let (mut rest, mut code) = (text, String::with_capacity(text.len()));
    while let Some(c) = rest.chars().next() {
        let length = words(rest);
        if length == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let (blanked, after) = rest.split_at(length);
            code.extend(blanked.chars().map(|c| if c == '\n' { c } else { ' ' }));
            rest = after;
        }
    }
    code
}

/// Bytes of the comment or literal that `text` starts with; 0 when it starts with code.
fn words(text: &str) -> usize {
    let to_end_of = |found: Option<usize>, length| found.map_or(text.len(), |at| at + length);
    if text.starts_with("//") {
        return to_end_of(text.find('\n'), 0);
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    if let Some(after) = text.strip_prefix('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            return to_end_of(text[start..].find(&end).map(|at| at + start), end.len());
        }
    }
    let mut characters = text.chars().skip(1);
    match (text.starts_with('\''), characters.next(), characters.next()) {
        (true, Some('\\'), _) | (true, Some(_), Some('\'')) => quoted(text, '\''),
        // Code, or a lifetime.
        _ => 0,
    }
}

/// Bytes up to the end of the quote, over what a backslash escapes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn only_code_is_left() {
        for (text, code) in [
            ("a // unsafe\nb", "a b"),
            ("a /* x /* y */ z */ b", "a b"),
            (r#"f("a \" unsafe", 'x', '\'', b"y")"#, "f( , , , b )"),
            (r###"f(r#"a " unsafe"#, r"b\")"###, "f( , )"),
            ("fn f<'a>(x: &'a str) -> r#type", "fn f<'a>(x: &'a str) -> r#type"),
            ("let é = \"ü", "let é = "),
        ] {
            let squeezed = only(text).split_whitespace().collect::<Vec<_>>().join(" ");
            let wanted = code.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(squeezed, wanted, "{text}");
        }
        assert_eq!(only("\"a\nb\"\nc").lines().count(), 3);
    }
}
