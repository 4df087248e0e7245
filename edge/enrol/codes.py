"""What can go wrong while a box enrols: every code, both languages, one thing to do."""

from edge.core.faults import Exit, Meaning, collected

TEXT = Meaning(
    code="E-ENROL-TEXT",
    id="Teks pendaftaran tidak bisa dibaca: {what}.",
    en="The enrolment text cannot be read: {what}.",
    fix_id="salin atau pindai lagi semua baris KTG1:, dari awal sampai akhir.",
    fix_en="copy or scan all the lines KTG1: again, from beginning to end.",
    exit=Exit.USAGE,
)
ALREADY = Meaning(
    code="E-ENROL-ALREADY",
    id="Kotak ini sudah terdaftar: {box} di {site}.",
    en="This box is enrolled already: {box} at {site}.",
    fix_id="sertifikat atau lokasi baru: `--renew`. Identitas baru: `--again {box}`; kunci dan nama lama hilang untuk "
    "selamanya, dan yang belum sampai di pusat ({box}) tidak akan dipercaya lagi.",
    fix_en="new certificate or site: `--renew`. New identity: `--again {box}`; its keys and name are lost for ever, "
    "and what has not reached the centre ({box}) will not be believed any more.",
    exit=Exit.USAGE,
)
AGAIN = Meaning(
    code="E-ENROL-AGAIN",
    id="`--again {asked}` bukan nama kotak ini, yaitu {box}; tidak ada yang dihapus.",
    en="`--again {asked}` is not the name of this box, which is {box}; nothing was removed.",
    fix_id="baca nama pada label; mungkin ini kotak yang lain.",
    fix_en="read the name on the label; perhaps this is another box.",
    exit=Exit.USAGE,
)
SITE = Meaning(
    code="E-ENROL-SITE",
    id="Lokasi kotak ini belum jelas: {what}.",
    en="The site of this box is not clear: {what}.",
    fix_id="tulis site.toml untuk lokasi ini, atau minta token untuk lokasi ini dari pusat.",
    fix_en="write site.toml for this site, or ask the centre for a token for this site.",
    exit=Exit.CONFIGURATION,
)
NOT_ASKED = Meaning(
    code="E-ENROL-NOT-ASKED",
    id="Kotak ini belum membuat permintaan, jadi jawaban itu bukan untuknya.",
    en="This box has made no request yet, so the answer is not for it.",
    fix_id="jalankan `kentongan enrol --request BERKAS` dahulu, di kotak ini.",
    fix_en="run `kentongan enrol --request FILE` first, on this box.",
    exit=Exit.USAGE,
)
ANSWER = Meaning(
    code="E-ENROL-ANSWER",
    id="Jawaban pusat tidak berlaku untuk kotak ini: {what}.",
    en="The centre's answer is not good for this box: {what}.",
    fix_id="minta jawaban baru atas permintaan dari kotak ini; tidak ada yang diubah.",
    fix_en="ask for a new answer to this box's request; nothing was changed.",
    exit=Exit.CONFIGURATION,
)
ROOT = Meaning(
    code="E-ENROL-ROOT",
    id="Sidik jari akar pusat {shown} belum dipastikan, atau bukan yang seharusnya.",
    en="The fingerprint of the centre's root, {shown}, is not confirmed, or not the right one.",
    fix_id="telepon pusat, bandingkan `kentongan centre root show`, lalu `--pin SIDIK-JARI`. Bila beda: berhenti.",
    fix_en="phone the centre, compare `kentongan centre root show`, then `--pin FINGERPRINT`. If it differs, stop.",
    exit=Exit.CONFIGURATION,
)
KEYS = Meaning(
    code="E-ENROL-KEYS",
    id="Berkas identitas kotak ini tidak cocok satu sama lain: {what}.",
    en="The files of this box's identity do not fit together: {what}.",
    fix_id="kembalikan dari cadangan, atau pindahkan isi folder secrets ke tempat lain lalu daftarkan lagi.",
    fix_en="restore them from a backup, or move the content of the folder secrets elsewhere and enrol again.",
    exit=Exit.CONFIGURATION,
)
NO_DOOR = Meaning(
    code="E-ENROL-NO-DOOR",
    id="Token ini tidak punya alamat pintu, jadi permintaan harus dibawa.",
    en="This token names no door, so the request must be carried.",
    fix_id="jalankan `kentongan enrol --request BERKAS` dan kirim berkas itu ke pusat.",
    fix_en="run `kentongan enrol --request FILE` and send that file to the centre.",
    exit=Exit.USAGE,
)
DOOR = Meaning(
    code="E-ENROL-DOOR",
    id="Pintu pusat {door} tidak bisa dicapai atau bukan yang disebut token: {what}.",
    en="The centre's door {door} cannot be reached, or is not the one the token names: {what}.",
    fix_id="periksa jaringan lalu ulangi `kentongan enrol`; tanpa jaringan: `kentongan enrol --request BERKAS`.",
    fix_en="check the network and repeat `kentongan enrol`; without a network: `kentongan enrol --request FILE`.",
    exit=Exit.NETWORK,
)
TOKEN = Meaning(
    code="E-ENROL-TOKEN",
    id="Pusat menolak token atau permintaan ini: {what}.",
    en="The centre refuses this token or request: {what}.",
    fix_id="minta token baru dari pusat; satu token hanya untuk satu kotak.",
    fix_en="ask the centre for a new token; one token is for one box.",
    exit=Exit.USAGE,
)
WAITING = Meaning(
    code="E-ENROL-WAITING",
    id="Pusat sudah menerima permintaan {box}, tetapi belum menyetujuinya.",
    en="The centre has the request of {box}, but has not approved it yet.",
    fix_id="telepon pusat dan bacakan sidik jari {shown}, lalu jalankan `kentongan enrol` lagi.",
    fix_en="phone the centre and read out the fingerprint {shown}, then run `kentongan enrol` again.",
    exit=Exit.NETWORK,
)
CONFIG_KEPT = Meaning(
    code="E-ENROL-CONFIG",
    id="site.toml dari pusat tidak dipakai, karena sudah ada site.toml lain di kotak ini.",
    en="The centre's site.toml was not used, because there is another site.toml on this box.",
    fix_id="bila yang dari pusat yang benar: pindahkan yang ada, lalu ulangi perintah ini.",
    fix_en="if the centre's is the right one: move the other away, and repeat this command.",
    exit=Exit.CONFIGURATION,
    warning=True,
)

NO_CONFIG = Meaning(
    code="E-ENROL-NO-CONFIG",
    id="Kotak ini sudah terdaftar, tetapi {where} belum ada, dan pusat tidak punya salinannya.",
    en="This box is enrolled, but there is no {where}, and the centre has no copy of one.",
    fix_id="tulis dari contoh: `kentongan config sample rt-standard`, lalu `kentongan config apply`.",
    fix_en="write it from the sample: `kentongan config sample rt-standard`, then `kentongan config apply`.",
    exit=Exit.CONFIGURATION,
    warning=True,
)

CATALOGUE = collected(globals())
