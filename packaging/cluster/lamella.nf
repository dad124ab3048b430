// A module for Nextflow (DSL2): one scan becomes one mask, with the report of `lamella segment --json`.
//
//     include { LAMELLA_SEGMENT } from './packaging/cluster/lamella.nf'
//     workflow {
//         scans = Channel.fromPath(params.scans).map { scan -> [[id: scan.simpleName], scan] }
//         LAMELLA_SEGMENT(scans, params.model ?: 'hippocampus')
//     }
//
// A scan is a file of a volume or a folder of DICOM files. The program schedules nothing itself: executors, retries and `-resume` are
// Nextflow's. `task.ext.args` takes further options of `lamella segment`.
process LAMELLA_SEGMENT {
    tag "${meta.id}"
    label 'process_low'
    errorStrategy 'retry'
    maxRetries 2

    input:
    tuple val(meta), path(scan)
    val model

    output:
    tuple val(meta), path("${meta.id}_dseg.nii.gz"), emit: mask
    tuple val(meta), path("${meta.id}_dseg.json"), emit: report

    script:
    """
    lamella segment '${scan}' -m '${model}' -o '${meta.id}_dseg.nii.gz' --threads ${task.cpus} --json ${task.ext.args ?: ''} \\
        > '${meta.id}_dseg.json'
    """
}
