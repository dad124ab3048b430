#!/usr/bin/env python3
"""Checks `lamella remote` against Orthanc and dcmtk, both started here on loopback, on free ports, in a temporary folder.

    python check_remote.py LAMELLA_BINARY TEST_DATA

A CT series of the data pack, a made one of 80 slices, compressed files, and a SEG and an RTSTRUCT that Lamella writes are sent, found,
fetched back by C-GET, C-MOVE and DICOMweb, and compared with what was sent by pydicom. Then what goes wrong: nobody listens, a wrong
title, a wrong password, a port of another service, a server that is killed while it sends, a stop by the user. What dcmtk sends is received.
"""
import copy, json, os, shutil, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

LAMELLA, DATA = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
USER, PASSWORD = "doctor", "open sesame"
counts = {"matched": 0, "failed": 0}
started = []


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def lamella(*words, password=None, expect=0, name=""):
    """Runs a command; what it says on stderr is kept for messages."""
    environment = {name: value for name, value in os.environ.items() if name != "LAMELLA_REMOTE_PASSWORD"}
    if password:
        environment["LAMELLA_REMOTE_PASSWORD"] = password
    done = subprocess.run([LAMELLA, *map(str, words)], capture_output=True, text=True, env=environment, timeout=300)
    check(name or " ".join(map(str, words[:2])), done.returncode == expect, f"exit {done.returncode}: {done.stderr}")
    check("no panic", "internal error" not in done.stderr, done.stderr)
    return done


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def start(*words, port):
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    started.append(process)
    wait_for(port)
    return process


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    started.remove(process)


class Orthanc:
    """Debian's Orthanc with its DICOMweb plug-in."""

    name = "Orthanc"

    def __init__(self, folder, move_port):
        self.port, self.web_port, self.folder = free_port(), free_port(), folder / "orthanc"
        self.folder.mkdir()
        self.address = f"dicom://ORTHANC@127.0.0.1:{self.port}"
        self.url = f"http://127.0.0.1:{self.web_port}/dicom-web"
        settings = {
            "Name": "check", "StorageDirectory": str(self.folder / "store"), "IndexDirectory": str(self.folder / "store"),
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "HttpPort": self.web_port, "DicomPort": self.port,
            "DicomAet": "ORTHANC", "DicomCheckCalledAet": True, "RemoteAccessAllowed": False, "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD}, "DicomModalities": {"lamella": ["LAMELLA", "127.0.0.1", move_port]},
            "DicomWeb": {"Enable": True}, "OverwriteInstances": True,
        }
        self.settings = self.folder / "settings.json"
        self.settings.write_text(json.dumps(settings))
        self.start()

    def start(self):
        self.process = start("Orthanc", self.settings, port=self.port)
        wait_for(self.web_port)


class Dcmqrscp:
    """The archive of dcmtk."""

    name = "dcmqrscp"

    def __init__(self, folder, move_port):
        self.port, self.folder = free_port(), folder / "dcmqrscp"
        (self.folder / "area").mkdir(parents=True)
        self.address = f"dicom://QRSCP@127.0.0.1:{self.port}"
        self.settings = self.folder / "dcmqrscp.cfg"
        self.settings.write_text(f"""NetworkTCPPort = {self.port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
lamella = (LAMELLA, 127.0.0.1, {move_port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QRSCP {self.folder / "area"} RW (500, 4096mb) ANY
AETable END
""")
        self.start()

    def start(self):
        self.process = start("dcmqrscp", "-c", self.settings, port=self.port)


def make_series(folder, count, size):
    """A CT of a patient whose name is not ASCII."""
    folder.mkdir()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    random = np.random.default_rng(5)
    for k in range(count):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Jürgens^Eva", "REMOTE1", "19600101", "F"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20200229", "101112", "S1", "ACC7"
        ds.StudyDescription, ds.SeriesDescription, ds.ReferringPhysicianName = "Bauch", "made", ""
        ds.Modality, ds.Manufacturer, ds.SeriesNumber, ds.InstanceNumber = "CT", "made", 3, k + 1
        ds.ImageType, ds.PositionReferenceIndicator = ["ORIGINAL", "PRIMARY", "AXIAL"], ""
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [-50.5, -40.25, 2.5 * k], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness = [0.8, 0.8], 2.5
        ds.Rows = ds.Columns = size
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation, ds.RescaleSlope, ds.RescaleIntercept = 15, 0, 1, -1000
        ds.PixelData = random.integers(0, 2000, (size, size), np.uint16).tobytes()
        ds.save_as(folder / f"{k:03}.dcm", enforce_file_format=True)
    return study, series


def make_results(folder, scan):
    """A SEG and an RTSTRUCT of a made mask, as Lamella writes them."""
    volume = folder / "scan.nii.gz"
    lamella("convert", scan, "-o", volume)
    image = nibabel.load(volume)
    mask = np.zeros(image.shape[:3], np.uint8)
    i, j, k = (size // 3 for size in mask.shape)
    mask[i : 2 * i, j : 2 * j, max(k - 1, 0) : 2 * k + 1] = 1
    nibabel.save(nibabel.Nifti1Image(mask, image.affine), folder / "mask.nii.gz")
    results = folder / "results"
    results.mkdir()
    for ending in ("seg.dcm", "rtstruct.dcm"):
        lamella("convert", folder / "mask.nii.gz", "-o", results / f"mask.{ending}", "--reference", scan)
    return results


def by_uid(*paths):
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()))]
    read = [pydicom.dcmread(file) for file in files]
    return {ds.file_meta.MediaStorageSOPInstanceUID: ds for ds in read}


def left(ds, without_private):
    """A data set without what servers drop: the padding behind it, and what they cannot convert."""
    kept = copy.deepcopy(ds)
    kept.pop("DataSetTrailingPadding", None)
    if without_private:
        kept.remove_private_tags()
    for tag in [tag for tag in kept.keys() if tag.element == 0]:
        del kept[tag]  # Lengths of groups, long retired, are dropped too.
    return kept


def same(name, sent, folder):
    """What came back is what was sent: every element, the pixels byte by byte, in the layout that it had."""
    fetched = by_uid(folder)
    check(f"{name}: all instances", fetched.keys() == sent.keys(), f"{len(fetched)} of {len(sent)}")
    for uid in fetched.keys() & sent.keys():
        one, other = sent[uid], fetched[uid]
        layouts = [ds.file_meta.TransferSyntaxUID for ds in (one, other)]
        # dcmqrscp converts what is not compressed, and elements of makers lose their kind on the way.
        is_converted = "dcmqrscp" in name and layouts == [ImplicitVRLittleEndian, ExplicitVRLittleEndian]
        check(f"{name}: layout", layouts[0] == layouts[1] or is_converted, layouts)
        check(f"{name}: pixels", one.get("PixelData") == other.get("PixelData"), uid)
        check(f"{name}: elements", left(one, False).keys() == left(other, False).keys(), uid)
        one, other = left(one, is_converted), left(other, is_converted)
        check(f"{name}: data set", one == other, f"{uid}: {[e.keyword for e in one if other.get(e.tag) != e][:5]}")
    check(f"{name}: nothing is left over", not list(folder.rglob("*.part")) and not (folder / ".lamella-incoming").exists(),
          [str(p) for p in folder.rglob(".*")])


def get(folder, address, study, *words, **more):
    done = lamella("remote", "get", address, "--study", study, "-o", folder, "--json", *words, **more)
    return json.loads(done.stdout) if done.returncode == 0 else {"received": -1, "already_there": -1, "folders": []}


def finds(server, sent, study, series, address, words, **more):
    """What searches list, against what was sent."""
    one = next(ds for ds in sent.values() if ds.StudyInstanceUID == study)

    def find(*asked):
        done = lamella("remote", "find", address, *words, "--json", *asked, **more)
        return json.loads(done.stdout)["matches"] if done.returncode == 0 else []

    for asked, hits in [
        (["--patient-id", "REMOTE1"], 1), (["--patient-id", "REMOTE?"], 1), (["--patient-name", "J*"], 1), (["--patient-id", "NOBODY"], 0),
        (["--date", "20200101-20201231", "--patient-id", "REMOTE1"], 1), (["--date", "20200301-", "--patient-id", "REMOTE1"], 0),
        (["--date", "-20200229", "--patient-id", "REMOTE1"], 1), (["--accession", "ACC7"], 1), (["--accession", "ACC8"], 0),
        (["--study", study], 1), (["--modality", "CT", "--patient-id", "REMOTE1"], 1),
    ]:
        found = [m for m in find(*asked) if m["study_uid"] == study]
        check(f"{server.name}: find {' '.join(asked)}", len(found) == hits, f"{len(found)} found")
        for match in found:
            check(f"{server.name}: name of the patient", match["patient_name"] == str(one.PatientName), match["patient_name"])
            check(f"{server.name}: date", match["study_date"] == one.StudyDate, match["study_date"])
            check(f"{server.name}: description", match["description"] == one.StudyDescription, match["description"])
    found = find("--study", study, "--series-level")
    check(f"{server.name}: series", series in [m["series_uid"] for m in found], found)
    check(f"{server.name}: modalities", sorted(m["modality"] for m in found) == ["CT", "RTSTRUCT", "SEG"], found)
    told = lamella("remote", "find", address, *words, "--study", study, "--series-level", **more)
    check(f"{server.name}: table", series in told.stdout and "Jürgens^Eva" in told.stdout and "3 series found" in told.stderr, told)


def classic(server, folder, outgoing, study, series, move_port):
    told = lamella("remote", "test", server.address)
    check(f"{server.name} greets", "answers after" in told.stdout, told.stdout)
    sent = by_uid(*outgoing)
    told = json.loads(lamella("remote", "send", server.address, *outgoing, "--json").stdout or "{}")
    check(f"{server.name}: all is sent", told.get("accepted", 0) + told.get("coerced", 0) == len(sent), told)
    finds(server, sent, study, series, server.address, [])
    for how, words in [("C-GET", []), ("C-MOVE", ["--move-port", move_port])]:
        name = f"{server.name}, {how}"
        for one in sorted({ds.StudyInstanceUID for ds in sent.values()}):
            out = folder / f"{server.name}_{how}_{one[-6:]}"
            expected = {uid: ds for uid, ds in sent.items() if ds.StudyInstanceUID == one}
            fetched = get(out, server.address, one, *words)
            check(f"{name}: received", fetched["received"] == len(expected), fetched)
            same(name, expected, out)
            again = get(out, server.address, one, *words)
            check(f"{name}: nothing twice", (again["received"], again["already_there"]) == (0, len(expected)), again)
            check(f"{name}: the same folders", sorted(again["folders"]) == sorted(fetched["folders"]), again)
            lost = sorted(out.rglob("*.dcm"))[0]
            lost.unlink()
            again = get(out, server.address, one, *words)
            check(f"{name}: only what is missing", (again["received"], again["already_there"]) == (1, len(expected) - 1), again)
            same(name, expected, out)
    out = folder / f"{server.name}_series"
    fetched = get(out, server.address, study, "--series", series)
    check(f"{server.name}: one series", [Path(f).name for f in fetched["folders"]] == [series], fetched)


def web(server, folder, outgoing, study, series):
    """DICOMweb, with a login."""
    login = ["--user", USER]
    told = lamella("remote", "test", server.url, *login, password=PASSWORD)
    check("DICOMweb greets", "answers after" in told.stdout, told.stdout)
    for password, name in [("hunter two", "a wrong password"), (None, "no password")]:
        for words in (["test", server.url], ["find", server.url], ["get", server.url, "--study", study, "-o", folder / "nothing"],
                      ["send", server.url, outgoing[0]]):
            done = lamella("remote", *words, *login, password=password, expect=1, name=f"{name}, {words[0]}")
            said(f"{name}, {words[0]}", done, "did not accept the login")
            check("no password is said", "hunter" not in done.stderr and PASSWORD not in done.stderr, done.stderr)
    check("a wrong login leaves nothing", not list((folder / "nothing").rglob("*.dcm")))
    sent = by_uid(*outgoing)
    told = json.loads(lamella("remote", "send", server.url, *outgoing, *login, "--json", password=PASSWORD).stdout or "{}")
    check("DICOMweb: all is sent", told.get("accepted", 0) + told.get("coerced", 0) == len(sent), told)
    finds(server, sent, study, series, server.url, login, password=PASSWORD)
    for one in sorted({ds.StudyInstanceUID for ds in sent.values()}):
        out = folder / f"web_{one[-6:]}"
        expected = {uid: ds for uid, ds in sent.items() if ds.StudyInstanceUID == one}
        fetched = get(out, server.url, one, *login, password=PASSWORD)
        check("DICOMweb: received", fetched["received"] == len(expected), fetched)
        same("DICOMweb", expected, out)
        again = get(out, server.url, one, *login, password=PASSWORD)
        check("DICOMweb: nothing twice", (again["received"], again["already_there"]) == (0, len(expected)), again)
        lost = sorted(out.rglob("*.dcm"))[0]
        lost.unlink()
        again = get(out, server.url, one, *login, password=PASSWORD)
        check("DICOMweb: only what is missing", (again["received"], again["already_there"]) == (1, len(expected) - 1), again)
    nobody = f"http://127.0.0.1:{free_port()}/dicom-web"
    said("DICOMweb: nobody listens", lamella("remote", "test", nobody, expect=1), "cannot be reached")
    lamella("remote", "get", server.url, *login, "--study", "1.2.3", "-o", folder / "none", password=PASSWORD, expect=1)


def said(name, done, *words):
    check(name, all(word in done.stderr for word in words), done.stderr)


def faults(server, folder, study, move_port):
    nobody = f"dicom://ORTHANC@127.0.0.1:{free_port()}"
    said("nobody listens", lamella("remote", "test", nobody, expect=1), "nobody listens there", nobody.split("@")[1])
    wrong = server.address.replace("ORTHANC", "WRONG").replace("QRSCP", "WRONG")
    said(f"{server.name}: wrong title", lamella("remote", "test", wrong, expect=1), "AE title WRONG is not its own")
    said("no study", lamella("remote", "get", server.address, "--study", "1.2.3", "-o", folder / "none", expect=1), "no such study")
    check("no study leaves nothing", not list((folder / "none").rglob("*.dcm")))
    stranger = lamella("remote", "get", server.address, "--study", study, "-o", folder / "stranger", "--calling", "STRANGER",
                       "--move-port", move_port, expect=1)
    said(f"{server.name}: unknown destination", stranger, "our AE title")
    if isinstance(server, Orthanc):
        other = f"dicom://ORTHANC@127.0.0.1:{server.web_port}"
        said("another service", lamella("remote", "test", other, expect=1), "does not speak DICOM")
    for words in (["test", "pacs"], ["test", "dicom://A@host"], ["test", "dicom://A@host:1", "--user", "me"]):
        lamella("remote", *words, expect=1)
    for words in (["test", "dicom://A@h:1", "--calling", "A\\B"], ["find", "dicom://A@h:1", "--date", "2020"], ["get", "dicom://A@h:1"],
                  ["get", "dicom://A@h:1", "--study", "../x", "-o", "x"]):
        lamella("remote", *words, expect=2)


def interrupted(server, folder, sent, study, series, how, address, words, password):
    """A fetch that is stopped by the user, and one whose server is killed."""
    environment = {**os.environ, **({"LAMELLA_REMOTE_PASSWORD": password} if password else {})}
    for what in ("killed server", "stop"):
        name = f"{server.name}, {how}, {what}"
        out = folder / f"{server.name}_{how}_{what}".replace(" ", "_")
        process = subprocess.Popen([LAMELLA, "remote", "get", address, "--study", study, "--series", series, "-o", out, *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        incoming = out / ".lamella-incoming"
        while process.poll() is None and len(list(incoming.glob("*/*.dcm"))) < 5:
            time.sleep(0.002)
        if what == "stop":
            process.send_signal(signal.SIGINT)
        else:
            kill(server.process)
        begun = time.time()
        _, told = process.communicate(timeout=120)
        took = time.time() - begun
        kept = len(list(incoming.glob("*/*.dcm")))
        check(f"{name}: came in the middle", 5 <= kept < len(sent), f"{kept} of {len(sent)}: {told}")
        check(f"{name}: no series shows", not list(out.glob("*/*.dcm")), list(out.glob("*")))
        if what == "stop":
            check(f"{name}: exit", process.returncode == 130, f"{process.returncode}: {told}")
            check(f"{name}: at once", took < 1, f"{took:.2f} s")
        else:
            check(f"{name}: exit", process.returncode == 1, f"{process.returncode}: {told}")
            check(f"{name}: told", f"{kept} of {len(sent)} instances came" in told and "run it again" in told, told)
            server.start()
        check(f"{name}: info finds nothing", "come from a server as a whole" in subprocess.run(
            [LAMELLA, "info", out], capture_output=True, text=True).stdout)
        again = get(out, address, study, "--series", series, *words, password=password)
        check(f"{name}: the rest", (again["received"], again["already_there"]) == (len(sent) - kept, kept), again)
        same(name, sent, out)
        shutil.rmtree(out)


def received(folder, scan):
    """dcmtk sends to our receiver."""
    out, port = folder / "received", free_port()
    process = subprocess.Popen([LAMELLA, "remote", "receive", "--port", str(port), "--aet", "HERE", "--address", "127.0.0.1", "-o", out],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(port)

    def dcmtk(program, *words):
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True)

    to = ["127.0.0.1", port]
    check("receiver: echo", dcmtk("echoscu", "-aec", "HERE", *to).returncode == 0)
    wrong = dcmtk("echoscu", "-aec", "THERE", *to)
    check("receiver: wrong title", "Called AE Title Not Recognized" in wrong.stdout + wrong.stderr, wrong.stderr)
    both = [subprocess.Popen(["storescu", "-R", "-aec", "HERE", "127.0.0.1", str(port), *map(str, part)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for part in (sorted(scan.iterdir())[::2], sorted(scan.iterdir())[1::2])]
    for sender in both:
        told, _ = sender.communicate(timeout=120)
        check("receiver: takes", sender.returncode == 0, told)
    compressed = DATA / "data/dicom/files/wg04/CT1_J2KR"
    done = dcmtk("storescu", "-xv", "-R", "-aec", "HERE", *to, compressed)
    check("receiver: takes JPEG 2000", done.returncode == 0, done.stderr)
    # Somebody says nonsense, and somebody leaves in the middle.
    for words in (b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff", b"\x04\x00\x00\x00\x00\x08\x00\x00"):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(words)
    check("receiver: still there", dcmtk("echoscu", "-aec", "HERE", *to).returncode == 0)
    process.send_signal(signal.SIGINT)
    begun = time.time()
    stdout, told = process.communicate(timeout=30)
    check("receiver: ends", process.returncode == 130 and time.time() - begun < 1, f"{process.returncode}: {told}")
    check("receiver: counts", f"{len(list(scan.iterdir())) + 1} instances received, 0 refused" in told, told)
    check("receiver: folders", len(stdout.strip().splitlines()) >= 2, stdout)
    same("receiver", by_uid(scan, compressed), out)


def secure(folder):
    """TLS, to dcmtk's receiver with a certificate of an authority made here."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    ca, ca_key, key, request, certificate = (folder / n for n in ("ca.pem", "ca.key", "key.pem", "request.pem", "cert.pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=check", "-keyout", ca_key, "-out", ca)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request)
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2, "-extfile", folder / "names",
            "-out", certificate)
    port = free_port()
    process = start("storescp", "+tls", key, certificate, "-ic", "-od", folder, port, port=port)
    address = f"dicom://ANY@127.0.0.1:{port}"
    lamella("remote", "test", address, "--ca", ca, name="TLS")
    lamella("remote", "send", address, "--ca", ca, DATA / "data/dicom/files/wg04/CT1_UNC", name="TLS: send")
    said("TLS: unknown authority", lamella("remote", "test", address, "--tls", expect=1), "no secure connection", "authority")
    lamella("remote", "test", address, expect=1, name="TLS: without")
    kill(process)


def layouts(name, address, folder, files, takes_all, *words, **more):
    """Files come back in the compression in which they were sent; a server that does not take one is named with the file."""
    sent = {}
    for file in files:
        ds = pydicom.dcmread(file)
        is_taken = takes_all or not ds.file_meta.TransferSyntaxUID.is_compressed
        told = lamella("remote", "send", address, file, *words, expect=0 if is_taken else 1, name=f"{name}, {file.name}", **more)
        if is_taken:
            sent[ds.file_meta.MediaStorageSOPInstanceUID] = ds
        else:
            said(f"{name}, {file.name}", told, file.name, "does not take CT Image Storage", ds.file_meta.TransferSyntaxUID)
    for study in {ds.StudyInstanceUID for ds in sent.values()}:
        out = folder / f"{name}_{study}"
        get(out, address, study, *words, **more)
        same(f"{name}, compressed", {uid: ds for uid, ds in sent.items() if ds.StudyInstanceUID == study}, out)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        os.environ["LAMELLA_DATA_DIR"] = str(folder / "settings")
        move_port = free_port()
        scan = folder / "scan"
        study, series = make_series(scan, 80, 256)
        results = make_results(folder, scan)
        wg04 = DATA / "data/dicom/files/wg04"
        compressed = [wg04 / f"CT1_{kind}" for kind in ("J2KR", "JLSL", "JPLL", "RLE", "UNC")]
        outgoing = [scan, results, DATA / "data/dicom/series/dcmqi_ct3slice"]
        try:
            servers = [Orthanc(folder, move_port), Dcmqrscp(folder, move_port)]
            for server in servers:
                classic(server, folder, outgoing, study, series, move_port)
                layouts(server.name, server.address, folder, compressed, isinstance(server, Orthanc))
                if isinstance(server, Orthanc):
                    web(server, folder, outgoing, study, series)
                    layouts("DICOMweb", server.url, folder, compressed, True, "--user", USER, password=PASSWORD)
                faults(server, folder, study, move_port)
                ways = [("C-GET", server.address, [], None), ("C-MOVE", server.address, ["--move-port", str(move_port)], None)]
                if isinstance(server, Orthanc):
                    ways.append(("DICOMweb", server.url, ["--user", USER], PASSWORD))
                for way in ways:
                    interrupted(server, folder, by_uid(scan), study, series, *way)
            received(folder, scan)
            secure(folder)
        finally:
            for process in list(started):
                kill(process)
    print(json.dumps(counts))
    sys.exit(counts["failed"] > 0)


main()
