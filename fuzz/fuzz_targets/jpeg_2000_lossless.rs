#![no_main]

lamella_fuzz::target!("jpeg_2000_lossless");
