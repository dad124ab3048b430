// Scores of queries and keys that were each multiplied with their half of the pair's weight: relu of the sum.

struct Params {
    count: u32,
    queries: u32,
    keys: u32,
    first_query: u32,
    all_queries: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> query: array<f32>;
@group(0) @binding(3) var<storage, read> key: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = number(group, groups) * 64u + local;
    if i >= p.count {
        return;
    }
    let of_query = i / p.keys % p.queries;
    let image = i / (p.keys * p.queries);
    let sum = query[image * p.all_queries + p.first_query + of_query] + key[image * p.keys + i % p.keys];
    y[i] = max(sum, 0.0);
}
