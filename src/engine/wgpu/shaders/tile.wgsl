// A tile of a product of matrices: a group of 64 threads makes 32 x 64 sums, of which each keeps 4 x 8, from 16 lines of the depth at a
// time. TILE_SUMS and TILE_PRODUCT in a shader stand for the sums of a thread (`tile_sums.wgsl`) and what the lines that were brought add
// to them (`tile_product.wgsl`); its place among the threads is `down` and `along`.

const ROWS = 32u;
const COLUMNS = 64u;
const DEPTH = 16u;

var<workgroup> left: array<vec4<f32>, 128>;
var<workgroup> right: array<vec4<f32>, 256>;
