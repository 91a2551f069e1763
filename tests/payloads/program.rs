// SPDX-License-Identifier: Apache-2.0
//! An ordinary Rust program, linked statically: arguments, environment, input, files, time, a panic.

use std::collections::HashMap;
use std::io::{BufRead, Write};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("words") => {
            let mut counts: HashMap<String, usize> = HashMap::new();
            for line in std::io::stdin().lock().lines() {
                for word in line.unwrap().split_whitespace() {
                    *counts.entry(word.to_string()).or_default() += 1;
                }
            }
            let mut all: Vec<_> = counts.into_iter().collect();
            all.sort();
            for (word, count) in all {
                println!("{count} {word}");
            }
        }
        Some("env") => println!("{}", std::env::var("GREETING").unwrap()),
        Some("file") => {
            let text = std::fs::read_to_string("/etc/text").unwrap();
            println!("{} lines", text.lines().count());
            println!("{}", std::fs::read_to_string("/none").unwrap_err().kind());
        }
        Some("time") => {
            let start = std::time::Instant::now();
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(start.elapsed().as_millis() >= 20);
            println!("slept");
        }
        Some("panic") => panic!("as asked"),
        _ => std::process::exit(3),
    }
    std::io::stdout().flush().unwrap();
}
