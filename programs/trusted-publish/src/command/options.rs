//! The values of a tool's options, in every way in which its command line may have them.

/// Short options without a value, which may stand before another in one word.
const FLAGS: [char; 6] = ['i', 'n', 'q', 's', 'v', 'y'];

/// The values of an option, each time that it is written: `--option VALUE`, `--option=VALUE`, `-oVALUE` or `-noVALUE`. Python's, Ruby's
/// and npm's tools take the beginning of a long option's name for the whole.
pub(crate) fn values<'a>(
    arguments: impl Iterator<Item = &'a str> + Clone,
    option: &'a str,
) -> impl Iterator<Item = &'a str> {
    let next = arguments.clone().skip(1).map(Some).chain([None]);
    let is_long = option.starts_with("--");
    arguments.zip(next).filter_map(move |(argument, next)| match is_long {
        true => of_long(argument, next, option),
        false => of_short(argument, next, option),
    })
}

fn of_long<'a>(argument: &'a str, next: Option<&'a str>, option: &str) -> Option<&'a str> {
    let (name, value) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (argument, None),
    };
    let is_it = name.len() > "--".len() && option.starts_with(name);
    value.or(next).filter(|_| is_it)
}

fn of_short<'a>(argument: &'a str, next: Option<&'a str>, option: &str) -> Option<&'a str> {
    let letters = argument.strip_prefix('-')?.trim_start_matches(FLAGS);
    match letters.strip_prefix(option.strip_prefix('-')?)? {
        "" => next,
        rest => Some(rest.strip_prefix('=').unwrap_or(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(command: &'a [&'a str], option: &'a str) -> Vec<&'a str> {
        values(command.iter().copied(), option).collect()
    }

    #[test]
    fn an_option_is_known_in_every_way_in_which_it_may_be_written() {
        for written in
            [["--repository-url", "x"], ["--repository-url=x", ""], ["--repository-u", "x"], ["--rep=x", ""]]
        {
            assert_eq!(found(&written, "--repository-url"), ["x"], "{written:?}");
        }
        for written in [["-r", "x"], ["-rx", ""], ["-r=x", ""], ["-nr", "x"], ["-yvrx", ""]] {
            assert_eq!(found(&written, "-r"), ["x"], "{written:?}");
        }
        for written in
            [["--repository-urls", "x"], ["--", "x"], ["-", "x"], ["-xr", "x"], ["--r", "x"], ["r", "x"]]
        {
            assert!(found(&written, "-r").is_empty(), "{written:?}");
        }
        assert!(found(&["--repository-urls", "x", "--", "x", "-r"], "--repository-url").is_empty());
        assert!(found(&["-r"], "-r").is_empty());
    }
}
