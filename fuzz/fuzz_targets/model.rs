#![no_main]

lamella_fuzz::target!("model");
