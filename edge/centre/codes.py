"""What can go wrong at the command centre: every code, both languages, one thing to do."""

from edge.core.faults import Exit, Meaning, collected

CENTRE_EMPTY = Meaning(
    code="E-CENTRE-EMPTY",
    id="Pusat ini belum lengkap: {what}.",
    en="This centre is not complete yet: {what}.",
    fix_id="jalankan `kentongan centre init` sekali, lalu `kentongan centre run`.",
    fix_en="run `kentongan centre init` once, then `kentongan centre run`.",
    exit=Exit.PREREQUISITE,
)
ROOT_AWAY = Meaning(
    code="E-CENTRE-ROOT",
    id="Kunci akar tidak ada di tempatnya: {what}.",
    en="The root's keys are not there: {what}.",
    fix_id="pasang stik USB yang menyimpannya, lalu tambahkan `--keys FOLDER` pada perintah ini. Pusat tetap berjalan.",
    fix_en="plug in the USB stick that holds them and add `--keys FOLDER` to this command. The centre keeps running.",
    exit=Exit.PREREQUISITE,
)
BOX_NOT_WAITING = Meaning(
    code="E-BOX-NOT-WAITING",
    id="Tidak ada permintaan pendaftaran dari {box}.",
    en="There is no enrolment request from {box}.",
    fix_id="lihat yang menunggu: `kentongan centre approve` tanpa nama, atau sebut berkas permintaannya.",
    fix_en="see who waits: `kentongan centre approve` without a name, or name the request's file.",
    exit=Exit.USAGE,
)
BOX_SITE_TAKEN = Meaning(
    code="E-BOX-SITE-TAKEN",
    id="Di {site} sudah ada boks {box}.",
    en="At {site} there is the box {box} already.",
    fix_id="bila boks itu diganti: `kentongan centre replace {site}`, atau `approve --replace` untuk berkas.",
    fix_en="if that box is replaced: `kentongan centre replace {site}`, or `approve --replace` for a file.",
    exit=Exit.USAGE,
)
BOX_NONE_THERE = Meaning(
    code="E-BOX-NONE-THERE",
    id="Di {site} tidak ada boks yang bisa diganti.",
    en="There is no box at {site} that could be replaced.",
    fix_id="periksa kode lokasinya; untuk boks pertama: `kentongan centre token {site}`.",
    fix_en="check the site id; for a first box: `kentongan centre token {site}`.",
    exit=Exit.USAGE,
)
CENTRE_DOOR = Meaning(
    code="E-CENTRE-DOOR",
    id="Pintu pendaftaran tidak bisa dibuka di {what}.",
    en="The door for enrolment cannot be opened at {what}.",
    fix_id="pilih alamat dan port yang bebas dengan `--listen`.",
    fix_en="choose a free address and port with `--listen`.",
    exit=Exit.PREREQUISITE,
)
CENTRE_EXISTS = Meaning(
    code="E-CENTRE-EXISTS",
    id="Pusat ini sudah punya kunci: {what}.",
    en="This centre has its keys already: {what}.",
    fix_id="pakai `--root` lain untuk pusat baru; kunci lama dipegang oleh boks dan tidak boleh diganti.",
    fix_en="use another `--root` for a new centre; the boxes hold the old keys, which must not be replaced.",
    exit=Exit.CONFIGURATION,
)
CENTRE_REAL = Meaning(
    code="E-CENTRE-REAL",
    id="Simulasi menolak folder ini: {what}.",
    en="The simulation refuses this folder: {what}.",
    fix_id="pilih folder kosong untuk `--keys`. Boks tiruan tidak pernah didaftarkan di pusat sungguhan.",
    fix_en="choose an empty folder for `--keys`. Simulated boxes are never admitted at a real centre.",
    exit=Exit.CONFIGURATION,
)
CENTRE_BUSY = Meaning(
    code="E-CENTRE-BUSY",
    id="Pusat lain sudah menulis di sini: {what}.",
    en="Another centre already writes here: {what}.",
    fix_id="hentikan `kentongan centre run` yang satunya.",
    fix_en="stop the other `kentongan centre run`.",
    exit=Exit.PREREQUISITE,
)
CENTRE_STORE = Meaning(
    code="E-CENTRE-STORE",
    id="Basis data pusat tidak bisa dipakai: {what}.",
    en="The centre's database cannot be used: {what}.",
    fix_id="periksa ruang disk dan pemilik folder itu; jangan hapus centre.db.",
    fix_en="check disk space and the folder's owner; do not delete centre.db.",
    exit=Exit.PREREQUISITE,
)
CENTRE_TRUST = Meaning(
    code="E-CENTRE-TRUST",
    id="Kunci pusat tidak bisa dipercaya: {what}.",
    en="The centre's keys cannot be trusted: {what}.",
    fix_id="kembalikan folder keys/ dari cadangan; jangan membuat kunci baru untuk boks yang sudah terpasang.",
    fix_en="restore the folder keys/ from its backup; do not make new keys for boxes already installed.",
    exit=Exit.CONFIGURATION,
)
CENTRE_SETTING = Meaning(
    code="E-CENTRE-SETTING",
    id="Pengaturan pusat salah: {what}.",
    en="A setting of the centre is wrong: {what}.",
    fix_id="perbaiki centre.toml atau pilihan `--broker`.",
    fix_en="correct centre.toml or the option `--broker`.",
    exit=Exit.CONFIGURATION,
)
CENTRE_OUTWARD = Meaning(
    code="E-CENTRE-OUTWARD",
    id="Penerusan atau metrik tidak bisa dimulai: {what}.",
    en="Forwarding or metrics cannot begin: {what}.",
    fix_id="perbaiki `forward`, `forward_key` atau `metrics`; lihat docs/centre-operations.md.",
    fix_en="correct `forward`, `forward_key` or `metrics`; see docs/centre-operations.md.",
    exit=Exit.CONFIGURATION,
)
CENTRE_BROKER = Meaning(
    code="E-CENTRE-BROKER",
    id="Pusat tidak tersambung ke broker {endpoint}: {what}.",
    en="The centre has no connection with the broker {endpoint}: {what}.",
    fix_id="periksa apakah broker hidup dan mengenal sertifikat pusat (CN `centre`).",
    fix_en="check that the broker runs and knows the centre's certificate (CN `centre`).",
    exit=Exit.NETWORK,
)
BOX_UNKNOWN = Meaning(
    code="E-BOX-UNKNOWN",
    id="Boks {box} tidak terdaftar di pusat ini.",
    en="The box {box} is not admitted at this centre.",
    fix_id="periksa nama boks pada labelnya, atau daftarkan dengan `kentongan centre admit`.",
    fix_en="check the name on the box's label, or admit it with `kentongan centre admit`.",
    exit=Exit.USAGE,
)
BOX_REJECTED = Meaning(
    code="E-BOX-REJECTED",
    id="Boks ini tidak bisa didaftarkan: {what}.",
    en="This box cannot be admitted: {what}.",
    fix_id="periksa nama, kode lokasi dan berkas permintaan dari boks itu.",
    fix_en="check the name, the site id and the request file from that box.",
    exit=Exit.USAGE,
)
BOX_OFFLINE = Meaning(
    code="E-BOX-OFFLINE",
    id="Boks {box} sedang tidak tersambung ke broker; perintah tidak sampai.",
    en="The box {box} is not connected to the broker; the order did not reach it.",
    fix_id="telepon petugas di lokasi; ulangi setelah boks tersambung.",
    fix_en="phone someone on site; repeat when the box is connected.",
    exit=Exit.NETWORK,
)
BOX_SILENT = Meaning(
    code="E-BOX-SILENT",
    id="Boks {box} tidak menjawab perintah dalam {seconds} detik.",
    en="The box {box} did not answer the order within {seconds} seconds.",
    fix_id="ulangi; bila tetap diam, telepon petugas di lokasi.",
    fix_en="repeat; if it stays silent, phone someone on site.",
    exit=Exit.NETWORK,
)
BOX_REFUSED = Meaning(
    code="E-BOX-REFUSED",
    id="Boks {box} menolak perintah: {what}.",
    en="The box {box} refused the order: {what}.",
    fix_id="periksa nama alarm dan jam pusat, lalu ulangi.",
    fix_en="check the alarm's name and the centre's clock, then repeat.",
    exit=Exit.TEST,
)
ALARM_UNKNOWN = Meaning(
    code="E-ALARM-UNKNOWN",
    id="Alarm {alarm} tidak ada di pusat ini.",
    en="The alarm {alarm} is not known at this centre.",
    fix_id="lihat `kentongan centre list`.",
    fix_en="see `kentongan centre list`.",
    exit=Exit.USAGE,
)
NOT_RECORDED = Meaning(
    code="E-ACK-NOT-RECORDED",
    id="Pusat tidak mencatat tanda terima alarm {alarm}.",
    en="The centre did not record the acknowledgement of alarm {alarm}.",
    fix_id="jalankan `kentongan centre run`, lalu ulangi.",
    fix_en="start `kentongan centre run`, then repeat.",
    exit=Exit.PREREQUISITE,
)

AUDIT_BROKEN = Meaning(
    code="E-CENTRE-AUDIT",
    id="Catatan tindakan tidak utuh pada nomor {number}: {what}.",
    en="The audit does not hold at number {number}: {what}.",
    fix_id="amankan basis data apa adanya, lalu bandingkan dengan cadangan; jangan diperbaiki di tempat.",
    fix_en="keep the database as it is and compare it with a backup; do not repair it in place.",
    exit=Exit.TEST,
)

CATALOGUE = collected(globals())
