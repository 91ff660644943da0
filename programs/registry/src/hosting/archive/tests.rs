use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::*;

/// An archive of entries with their types, names and contents.
fn archive(entries: &[(u8, &str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (kind, name, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::new(*kind));
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// An archive that begins with an entry which says that it is this long, and then goes on for long enough.
fn promising(kind: u8, size: u64, zeros: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::new(kind));
    header.as_old_mut().name[0] = b'x';
    header.set_size(size);
    header.set_cksum();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    io::Write::write_all(&mut packed, header.as_bytes()).unwrap();
    io::copy(&mut io::repeat(b'a').take(zeros as u64), &mut packed).unwrap();
    packed.finish().unwrap()
}

fn paths(content: &[u8]) -> Result<Vec<String>, InvalidArchive> {
    let mut paths = Vec::new();
    walk(content, Parts::Several, |entry| {
        paths.push(String::from_utf8_lossy(&entry.path).into_owned());
        Ok::<_, InvalidArchive>(())
    })?;
    Ok(paths)
}

#[test]
fn long_paths_are_read_from_either_kind_of_extension_header() {
    let long = "a/".repeat(100) + "b";
    let pax = format!("{} path={long}\n", long.len() + 10);
    let entries: &[(u8, &str, &[u8])] = &[
        (b'g', "pax_global_header", b"13 comment=x\n"),
        (b'L', "././@LongLink", long.as_bytes()),
        (b'0', "a/a", b"hi"),
        (b'x', "PaxHeader/a", pax.as_bytes()),
        (b'0', "a/a", b""),
        (b'x', "PaxHeader/a", b"10 size=2\n20 mtime=1700000.25\n"),
        (b'0', "c", b"hi"),
    ];
    assert_eq!(paths(&archive(entries)).unwrap(), [&long, &long, "c"]);
    let mut contents = Vec::new();
    walk(&archive(entries), Parts::Several, |entry| {
        contents.push(entry.content(1)?);
        Ok::<_, InvalidArchive>(())
    })
    .unwrap();
    assert_eq!(contents, [None, Some(Vec::new()), None]);
}

#[test]
fn what_an_extension_header_promises_is_not_allocated() {
    for kind in *b"LKxg" {
        for (size, zeros) in [(500 << 20, 1 << 20), ((1 << 33) - 1, 1024), (MAX_EXTENSION + 1, 16 << 10)] {
            assert_eq!(paths(&promising(kind, size, zeros)), Err(InvalidArchive::Extension), "{kind} {size}");
        }
    }
    assert_eq!(paths(&promising(b'0', 1 << 30, 1 << 20)), Err(InvalidArchive::Unreadable));
    assert_eq!(paths(&promising(b'x', u64::MAX >> 1, 1024)), Err(InvalidArchive::Header));
}

#[test]
fn an_extension_header_gives_one_path_and_no_other_size() {
    type Entries<'a> = &'a [(u8, &'a str, &'a [u8])];
    let cases: [(Entries<'_>, InvalidArchive); 18] = [
        (&[(b'x', "x", b"10 size=9\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
        (&[(b'x', "x", b"11 size=-1\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
        (&[(b'x', "x", b"22 GNU.sparse.major=1\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
        (&[(b'x', "x", b"10 path=a\n10 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
        (&[(b'g', "g", b"10 path=a\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
        (&[(b'L', "L", b"a"), (b'x', "x", b"10 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'L', "L", b"a"), (b'L', "L", b"b"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"99 path=a\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'0', "a", b"hi"), (b'L', "L", b"a")], InvalidArchive::Extension),
        (&[(b'L', "L", b"a\0\nb"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"21 SCHILY.realsize=9\n"), (b'0', "a", b"hi")], InvalidArchive::Override),
        // Some readers end at an empty line, some pass it over; some take these lengths for numbers and some don't.
        (&[(b'x', "x", b"\n10 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"10 path=b\n\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"011 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"+11 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"11 path\0=b\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'x', "x", b"10 path=b"), (b'0', "a", b"hi")], InvalidArchive::Extension),
        (&[(b'g', "g", b"\n10 path=b\n"), (b'0', "a", b"hi")], InvalidArchive::Extension),
    ];
    for (entries, expected) in cases {
        assert_eq!(paths(&archive(entries)), Err(expected), "{entries:?}");
    }
}

#[test]
fn a_header_says_the_same_to_every_reader() {
    // A reader that takes the length for another finds an entry in the content.
    let changed = |at: usize, bytes: &[u8], checksum: fn(u32) -> String| {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..3].copy_from_slice(b"a/b");
        header.set_size(512);
        header.as_mut_bytes()[at..at + bytes.len()].copy_from_slice(bytes);
        header.as_old_mut().cksum = [b' '; 8];
        let sum = checksum(header.as_bytes().iter().map(|byte| u32::from(*byte)).sum());
        header.as_old_mut().cksum[..sum.len()].copy_from_slice(sum.as_bytes());
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        io::Write::write_all(&mut packed, header.as_bytes()).unwrap();
        io::Write::write_all(&mut packed, &[b'x'; 512]).unwrap();
        io::Write::write_all(&mut packed, &[0; 1024]).unwrap();
        paths(&packed.finish().unwrap())
    };
    let usual = |sum: u32| format!("{sum:06o}\0 ");
    for size in [&b"00000001000\0"[..], b"00000001000 ", b"       1000 ", b"1000\0\0\0\0\0\0\0\0"] {
        assert_eq!(changed(124, size, usual).unwrap(), ["a/b"], "{size:?}");
    }
    let in_binary = [&[0x80_u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0][..]];
    let sizes = [&b"+0000001000\0"[..], b"\t0000001000\0", b"000000001000", b"1000\x00 000000"];
    for size in in_binary.into_iter().chain(sizes) {
        assert_eq!(changed(124, size, usual), Err(InvalidArchive::Header), "{size:?}");
    }
    // Mode, user, group, time and device, at any of which a reader may end that wants a number there.
    for (at, length) in [(100, 8), (108, 8), (116, 8), (136, 12), (329, 8), (337, 8)] {
        for number in ["", "00000000000", "000644 \0", "   644 \0", "\u{80}"] {
            let number: Vec<u8> =
                number.chars().map(|c| u8::try_from(c).unwrap()).chain([0; 12]).take(length).collect();
            assert!(changed(at, &number, usual).is_ok(), "{at} {number:?}");
        }
        for number in ["z", "-1", "+1", "0x1", "0o644", "1_0", "8", "1.5", "1 2", "\t1", "\u{81}"] {
            let number: Vec<u8> =
                number.chars().map(|c| u8::try_from(c).unwrap()).chain([0; 12]).take(length).collect();
            assert_eq!(changed(at, &number, usual), Err(InvalidArchive::Header), "{at} {number:?}");
        }
    }
    for checksum in [|sum| format!("{sum:08o}"), |sum| format!("+{sum:06o}\0")] {
        assert_eq!(changed(0, b"a", checksum), Err(InvalidArchive::Header));
    }
    assert_eq!(changed(0, b"a", |sum| format!("{sum:07o}\0")).unwrap(), ["a/b"]);
    for (name, prefix) in [(&b"a/b\0\nc"[..], &b""[..]), (b"\0", b""), (b"a/b", b"a"), (b"a/b", b"\0a")] {
        let refused = changed(0, name, usual).and(changed(345, prefix, usual));
        assert_eq!(refused, Err(InvalidArchive::Header), "{name:?} {prefix:?}");
    }
    // From the mark of the format on.
    let ustar = |prefix: &[u8]| changed(257, &[&b"ustar\x0000"[..], &[0; 80], prefix].concat(), usual);
    let long = [b'p'; 150];
    let times = [&b"p"[..], &[0; 130], b"14713214501\0"].concat();
    assert_eq!(ustar(b"p").unwrap(), ["p/a/b"]);
    assert_eq!(ustar(&times).unwrap(), ["p/a/b"]);
    assert_eq!(ustar(&long).unwrap(), [format!("{}/a/b", "p".repeat(150))]);
    for prefix in [&b"\0p"[..], &[&[0; 130][..], b"1"].concat(), &[&long[..140], b"\0p"].concat()] {
        assert_eq!(ustar(prefix), Err(InvalidArchive::Header), "{prefix:?}");
    }
    // Another path doesn't make a file of what ends like a folder.
    for kind in *b"\x000" {
        let refused = paths(&archive(&[(b'L', "L", b"a/b"), (kind, "a/d/", &[b'x'; 512])]));
        assert_eq!(refused, Err(InvalidArchive::Header), "{kind}");
    }
}

#[test]
fn nothing_hides_behind_the_end_of_an_archive() {
    let (one, two) = (archive(&[(b'0', "a", b"hi")]), archive(&[(b'0', "b", b"hi")]));
    let unpacked = |content: &[u8]| {
        let mut plain = Vec::new();
        GzDecoder::new(content).read_to_end(&mut plain).unwrap();
        plain
    };
    let packed = |content: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        io::Write::write_all(&mut packed, content).unwrap();
        packed.finish().unwrap()
    };
    assert_eq!(paths(&packed(&[unpacked(&one), vec![0; 10 << 10]].concat())).unwrap(), ["a"]);
    assert_eq!(paths(&[one.clone(), two.clone()].concat()), Err(InvalidArchive::Behind));
    assert_eq!(paths(&packed(&[unpacked(&one), unpacked(&two)].concat())), Err(InvalidArchive::Behind));
    // The first part ends within the archive.
    let plain = unpacked(&one);
    let (head, tail) = plain.split_at(700);
    assert_eq!(paths(&[packed(head), packed(tail)].concat()).unwrap(), ["a"]);
    assert!(paths(&[one.as_slice(), b"x"].concat()).is_err());
}

#[test]
fn what_only_some_readers_skip_is_refused() {
    // A reader that looks for content behind files alone finds another entry here.
    let hidden = archive(&[(b'0', "a/b", b"hi")]);
    let mut hidden_entry = Vec::new();
    GzDecoder::new(hidden.as_slice()).take(1024).read_to_end(&mut hidden_entry).unwrap();
    for kind in *b"12345678SXNVA" {
        let refused = paths(&archive(&[(b'0', "a/a", b""), (kind, "a/d", &hidden_entry)]));
        assert!(
            matches!(refused, Err(InvalidArchive::Content(_) | InvalidArchive::Kind(_))),
            "{kind} {refused:?}"
        );
    }
    for kind in *b"\x000" {
        let refused = paths(&archive(&[(kind, "a/d/", &hidden_entry)]));
        assert_eq!(refused, Err(InvalidArchive::Header), "{kind}");
        assert!(paths(&archive(&[(kind, "a/d/", b"")])).is_ok());
    }
    assert_eq!(
        paths(&archive(&[(b'5', "a/d/", b""), (b'2', "a/l", b""), (b'1', "a/h", b"")])).unwrap().len(),
        3
    );
}

#[test]
fn nothing_is_unpacked_through_a_link() {
    for kind in *b"12" {
        for path in ["a/l", "a/l/b", "a/./L/b", "a//l", "a/l.", "a\\l\\b"] {
            let refused = paths(&archive(&[(kind, "a/l", b""), (b'0', path, b"hi")]));
            assert_eq!(refused, Err(InvalidArchive::Linked(path.to_owned())), "{kind}");
        }
        assert!(paths(&archive(&[(kind, "a/l", b""), (b'0', "a/lb", b"hi"), (b'0', "a/b/l", b"")])).is_ok());
    }
}

#[test]
fn paths_of_links_are_bounded() {
    let mut entries = vec![(b'2', "a/l", &b""[..])];
    let long = "a/b".repeat(20);
    entries.push((b'0', &long, b"hi"));
    assert_eq!(paths(&archive(&entries)).unwrap().len(), 2);
    entries.push((b'2', &long, b""));
    assert_eq!(paths(&archive(&entries)), Err(InvalidArchive::Deep(long.clone())));
    let names: Vec<String> = (0..=MAX_LINKS).map(|number| format!("a/{number}")).collect();
    let links: Vec<(u8, &str, &[u8])> = names.iter().map(|name| (b'2', name.as_str(), &b""[..])).collect();
    assert_eq!(paths(&archive(&links)), Err(InvalidArchive::Entries));
    assert!(paths(&archive(&links[1..])).is_ok());
}

#[test]
fn names_that_some_system_takes_for_one_are_the_same() {
    for name in [
        "package.json",
        "PACKAGE.JSON",
        "package.json. .",
        "package.json::$DATA",
        "pac\u{212a}age.j\u{17f}on",
        "pack\u{200c}age\u{feff}.json\u{206f}",
    ] {
        assert_eq!(folded(name), "package.json", "{name}");
        assert!(is_same(name, "package.json"), "{name}");
    }
    for name in
        ["PACKAG~1.JSO", "packag~2.jso", "PACKA~10.JSO", "PAC~1234.JSO", "PA1B2C~1.JSO", "pack~1.jso."]
    {
        assert!(is_same(name, "package.json"), "{name}");
    }
    for name in ["CARGO~1.TOM", "carg~12.tom", "CAFFFF~3.TOM"] {
        assert!(is_same(name, "cargo.toml"), "{name}");
    }
    for name in [
        "package.jso",
        "package-json",
        "x package.json",
        "package.json.bak",
        "package.json~",
        "package~.jso",
        "packag~1.json",
        "packag~1",
        "other~1.jso",
        "~1.jso",
        "packag~x.jso",
        "cargo~1.tom",
    ] {
        assert_ne!(folded(name), "package.json", "{name}");
        assert!(!is_same(name, "package.json"), "{name}");
    }
}

#[test]
fn entries_are_counted() {
    let one = archive(&[(b'0', "a", b"")]);
    let mut plain = Vec::new();
    GzDecoder::new(one.as_slice()).take(512).read_to_end(&mut plain).unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    io::Write::write_all(&mut packed, &plain.repeat(MAX_ENTRIES + 1)).unwrap();
    assert_eq!(paths(&packed.finish().unwrap()), Err(InvalidArchive::Entries));
}

#[test]
fn extension_headers_are_bounded_together() {
    let long = "a/".repeat(3_900);
    let read = |count: usize| {
        let one: [(u8, &str, &[u8]); 2] = [(b'L', "././@LongLink", long.as_bytes()), (b'0', "a", b"")];
        paths(&archive(&one.repeat(count))).map(|paths| paths.len())
    };
    assert_eq!(read(2_100), Ok(2_100));
    assert_eq!(read(2_200), Err(InvalidArchive::Entries));
}

#[test]
fn a_path_that_leaves_its_folder_is_not_plain() {
    for path in ["a", "a/b", "./a", "a/./b", "a..b"] {
        assert!(is_plain(Path::new(path)), "{path}");
    }
    for path in ["", "/a", "..", "a/../b", "../a", "a/..", "a\\b", "a/b\n", "a\0"] {
        assert!(!is_plain(Path::new(path)), "{path}");
    }
}

#[test]
fn what_is_behind_the_first_part_is_there_for_clients_that_read_it_alone() {
    let entry = |name: &str| {
        let mut unpacked = Vec::new();
        GzDecoder::new(&*archive(&[(b'0', name, b"hi")])).read_to_end(&mut unpacked).unwrap();
        unpacked
    };
    let packed = |parts: &[&[u8]]| -> Vec<u8> {
        let pack = |part: &&[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            io::Write::write_all(&mut packed, part).unwrap();
            packed.finish().unwrap()
        };
        parts.iter().flat_map(pack).collect()
    };
    let (first, whole) = (entry("a"), [&entry("a")[..1024], &entry("b")].concat());
    let seen = |content: &[u8], parts| {
        let mut count = 0;
        walk(content, parts, |_| {
            count += 1;
            Ok::<_, InvalidArchive>(())
        })
        .map(|()| count)
    };
    for (content, any) in [
        (packed(&[&whole[..1024], &whole[1024..]]), Ok(2)),
        (packed(&[&first, &[0; 512]]), Ok(1)),
        ([packed(&[&first]), b"x".to_vec()].concat(), Err(InvalidArchive::Unreadable)),
    ] {
        assert_eq!(seen(&content, Parts::One), Err(InvalidArchive::Behind));
        assert_eq!(seen(&content, Parts::Several), any);
    }
    assert_eq!(seen(&packed(&[&whole]), Parts::One), Ok(2));
    let empty = packed(&[b""]);
    let after = |count: usize| [empty.repeat(count), packed(&[&whole])].concat();
    assert_eq!(seen(&after(MAX_PARTS - 1), Parts::Several), Ok(2));
    assert_eq!(seen(&after(MAX_PARTS), Parts::Several), Err(InvalidArchive::Behind));
}

#[test]
fn a_name_is_the_same_in_all_forms_that_macos_takes_for_one() {
    for (one, other) in [
        ("x\u{e9}", "xe\u{301}"),
        ("\u{c9}", "e\u{301}"),
        ("\u{1e9b}\u{323}", "\u{17f}\u{323}\u{307}"),
        ("a;b", "a\u{37e}b"),
        ("`", "\u{1fef}"),
        ("k", "\u{212a}"),
        ("\u{d55c}", "\u{1112}\u{1161}\u{11ab}"),
        ("a\u{200d}b", "AB"),
    ] {
        assert_eq!(folded(one), folded(other), "{one} {other}");
        let entries: [(u8, &str, &[u8]); 2] = [(b'2', one, b""), (b'0', &format!("{other}/a"), b"")];
        assert!(matches!(paths(&archive(&entries)), Err(InvalidArchive::Linked(_))), "{one} {other}");
    }
    assert_ne!(folded("x\u{e9}"), folded("xe"));
    assert_ne!(folded("\u{65e5}"), folded("\u{672c}"));
}
