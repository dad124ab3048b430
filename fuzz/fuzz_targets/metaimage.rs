#![no_main]

lamella_fuzz::target!("metaimage");
