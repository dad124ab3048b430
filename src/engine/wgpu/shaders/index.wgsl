// Which of many values a thread makes: groups of 64 threads lie along x, and along y where x has no room left.

fn number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.x + group.y * groups.x;
}
