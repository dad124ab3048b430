var s0a = vec4(0.0);
var s0b = vec4(0.0);
var s1a = vec4(0.0);
var s1b = vec4(0.0);
var s2a = vec4(0.0);
var s2b = vec4(0.0);
var s3a = vec4(0.0);
var s3b = vec4(0.0);
