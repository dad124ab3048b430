//! The adapters of this machine: GPUs, and drivers that compute on the processor.

use std::path::Path;
use std::sync::OnceLock;

use wgpu::{Adapter, AdapterInfo, Backend, Backends, DeviceType, Instance, InstanceDescriptor, InstanceFlags, Limits};

use super::waiting::answer;

/// What reaches the hardware directly; OpenGL is left out, whose compute shaders differ from driver to driver.
const BACKENDS: Backends = Backends::VULKAN.union(Backends::DX12).union(Backends::METAL);

/// An adapter that networks can run on.
pub struct FoundAdapter {
    /// As wgpu has it.
    pub adapter: Adapter,
    /// Its name with its kind of driver.
    pub name: String,
    /// What it can do.
    pub limits: Limits,
    /// Whether it computes on the processor.
    pub is_software: bool,
}

impl FoundAdapter {
    fn new(adapter: Adapter) -> Self {
        let info = adapter.get_info();
        let is_software = info.device_type == DeviceType::Cpu;
        Self { name: name_of(&info), limits: adapter.limits(), is_software, adapter }
    }

    /// Its name and what it can do, for a list.
    pub fn description(&self) -> String {
        let Limits { max_storage_buffer_binding_size: map, max_compute_workgroup_storage_size: group, .. } =
            self.limits;
        let software = if self.is_software { "software, slower than cpu; " } else { "" };
        let (map, group) = (map >> 20, group >> 10);
        format!("{} ({software}maps up to {map} MiB, {group} KiB shared by a group of threads)", self.name)
    }
}

fn name_of(info: &AdapterInfo) -> String {
    let api = match info.backend {
        Backend::Vulkan => "Vulkan",
        Backend::Dx12 => "DirectX 12",
        Backend::Metal => "Metal",
        Backend::Gl => "OpenGL",
        _ => "other",
    };
    format!("{}, {api}", info.name.trim())
}

/// Whether the system has a card that could be faster than the CPU, as far as that can be said without loading its drivers: on Linux by its
/// device files. Drivers print messages of their own where there is no display.
pub fn may_have_card() -> bool {
    !cfg!(target_os = "linux") || has_device_file(Path::new("/dev"))
}

/// Device files of cards: those of the kernel's graphics drivers, of NVIDIA's own, of Windows below, and of small boards.
fn has_device_file(folder: &Path) -> bool {
    let any = |folder: &Path, is_meant: fn(&str) -> bool| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().to_str().is_some_and(is_meant))
    };
    let is_nvidia =
        |name: &str| name.strip_prefix("nvidia").is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    any(&folder.join("dri"), |name| name.starts_with("renderD"))
        || any(folder, |name| ["dxg", "mali0", "kgsl-3d0"].contains(&name))
        || any(folder, is_nvidia)
}

/// All adapters, the one that is likely fastest first, software last. They are looked for once.
pub fn adapters() -> &'static [FoundAdapter] {
    static FOUND: OnceLock<Vec<FoundAdapter>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut wanted = InstanceDescriptor::new_without_display_handle();
        wanted.backends = BACKENDS;
        wanted.flags = InstanceFlags::empty();
        let mut found = answer(Instance::new(wanted).enumerate_adapters(BACKENDS));
        found.sort_by_key(|adapter| order(&adapter.get_info()));
        let infos: Vec<AdapterInfo> = found.iter().map(Adapter::get_info).collect();
        let is_twin = |n: usize| infos[..n].iter().any(|first| is_same_card(first, &infos[n]));
        let kept = found.into_iter().enumerate().filter(|(n, _)| !is_twin(*n));
        kept.map(|(_, adapter)| FoundAdapter::new(adapter)).collect()
    })
}

/// Cards before graphics within the processor, both before software; of the ways to one card the better first.
fn order(info: &AdapterInfo) -> [u8; 2] {
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    };
    let api = match info.backend {
        Backend::Metal | Backend::Vulkan => 0,
        _ => 1,
    };
    [kind, api]
}

/// Whether two adapters are one card behind two kinds of drivers.
fn is_same_card(a: &AdapterInfo, b: &AdapterInfo) -> bool {
    a.backend != b.backend && a.vendor == b.vendor && a.device == b.device && a.device_type == b.device_type
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_known_by_their_device_files() {
        for (file, is_card) in [
            ("dri/renderD128", true),
            // A display without a processor of its own, as virtual machines have.
            ("dri/card0", false),
            ("nvidia0", true),
            ("nvidiactl", false),
            ("dxg", true),
            ("null", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("dri")).unwrap();
            assert!(!has_device_file(folder.path()));
            std::fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(has_device_file(folder.path()), is_card, "{file}");
        }
    }

    #[test]
    fn hardware_comes_first_and_one_card_is_listed_once() {
        let card =
            |device_type, backend, device| AdapterInfo { device, vendor: 1, ..AdapterInfo::new(device_type, backend) };
        let software = card(DeviceType::Cpu, Backend::Vulkan, 9);
        let inside = card(DeviceType::IntegratedGpu, Backend::Dx12, 2);
        let direct = card(DeviceType::DiscreteGpu, Backend::Dx12, 3);
        let vulkan = card(DeviceType::DiscreteGpu, Backend::Vulkan, 3);
        assert!(
            order(&vulkan) < order(&direct) && order(&direct) < order(&inside) && order(&inside) < order(&software)
        );
        assert!(is_same_card(&vulkan, &direct) && !is_same_card(&vulkan, &inside));
        // Two cards of one kind behind one driver are two.
        assert!(!is_same_card(&vulkan, &vulkan.clone()));
    }
}
