"""What can be wrong in what people write: every code, both languages, one thing to do.

Facts: {where} file:line, {text} what stands there, {better} what should stand there, {key} and {table} its place.
"""

from edge.core.faults import Exit, Meaning, collected

_EXIT = Exit.CONFIGURATION


def _refusal(code: str, *, id: str, en: str, fix_id: str, fix_en: str) -> Meaning:  # noqa: A002 - the language's name
    return Meaning(code=code, id=id, en=en, fix_id=fix_id, fix_en=fix_en, exit=_EXIT)


def _warning(code: str, *, id: str, en: str, fix_id: str, fix_en: str) -> Meaning:  # noqa: A002 - the language's name
    return Meaning(code=code, id=id, en=en, fix_id=fix_id, fix_en=fix_en, exit=_EXIT, warning=True)


# ---- the file as a whole ---------------------------------------------------------------------------------------------

FILE_MISSING = _refusal(
    "E-FILE-MISSING",
    id="{where}: berkas tidak bisa dibaca ({why}).",
    en="{where}: the file cannot be read ({why}).",
    fix_id="tulis dari contoh: `kentongan config sample rt-standard`.",
    fix_en="write it from the sample: `kentongan config sample rt-standard`.",
)
SIZE = _refusal(
    "E-SIZE",
    id="{where}: berkas lebih besar dari {limit} byte; ini bukan site.toml.",
    en="{where}: the file is larger than {limit} bytes; this is no site.toml.",
    fix_id="periksa nama berkasnya; site.toml biasanya sepuluh baris.",
    fix_en="check the file's name; a site.toml has about ten lines.",
)
ENCODING = _refusal(
    "E-ENCODING",
    id="{where}: berkas bukan teks UTF-8.",
    en="{where}: the file is not UTF-8 text.",
    fix_id='simpan ulang dengan pengodean "UTF-8" (Notepad: Simpan sebagai, Pengodean).',
    fix_en='save it again with the encoding "UTF-8" (Notepad: Save as, Encoding).',
)
BOM = _warning(
    "E-BOM",
    id="{where}: ada tanda BOM di awal berkas (dari Notepad); diabaikan.",
    en="{where}: the file begins with a BOM (from Notepad); it is ignored.",
    fix_id='simpan sebagai "UTF-8", bukan "UTF-8 dengan BOM".',
    fix_en='save it as "UTF-8", not "UTF-8 with BOM".',
)
CUT = _refusal(
    "E-CUT",
    id="{where}: berkas tampak terpotong di sini: {text}",
    en="{where}: the file looks cut off here: {text}",
    fix_id="salin ulang berkasnya, dan akhiri baris terakhir dengan Enter.",
    fix_en="copy the file again, and end its last line with Enter.",
)
SHORTER = _refusal(
    "E-SHORTER",
    id="{where}: berkas sama dengan yang dipakai boks, tetapi berhenti lebih awal, di: {text}",
    en="{where}: the file is the one the box uses, but it ends earlier, at: {text}",
    fix_id="salin ulang berkasnya, atau bila memang dipotong: `kentongan config apply --accept-loss`.",
    fix_en="copy the file again, or if it was cut on purpose: `kentongan config apply --accept-loss`.",
)
LOST = _refusal(
    "E-LOST",
    id="{where}: konfigurasi baru tidak lagi memuat {parts}, yang sekarang dipakai boks.",
    en="{where}: the new configuration no longer has {parts}, which the box uses now.",
    fix_id="tambahkan lagi, atau bila memang dilepas: `kentongan config apply --accept-loss`.",
    fix_en="add it again, or if it was really taken off: `kentongan config apply --accept-loss`.",
)

# ---- one line that is not TOML ---------------------------------------------------------------------------------------

TOML = _refusal(
    "E-TOML",
    id="{where}: baris tidak bisa dibaca ({why}): {text}",
    en="{where}: the line cannot be read ({why}): {text}",
    fix_id='tulis `kunci = "nilai"`, atau judul seperti `[site]` dan `[[zone]]`.',
    fix_en='write `key = "value"`, or a heading such as `[site]` and `[[zone]]`.',
)
QUOTES = _refusal(
    "E-QUOTES",
    id="{where}: tanda kutip miring, biasanya dari WhatsApp atau Word: {text}",
    en="{where}: curly quotes, usually from WhatsApp or Word: {text}",
    fix_id="pakai kutip lurus: {better}",
    fix_en="use straight quotes: {better}",
)
QUOTE_MISSING = _refusal(
    "E-QUOTE-MISSING",
    id="{where}: teks harus diapit tanda kutip: {text}",
    en="{where}: text must stand in quotes: {text}",
    fix_id="tulis {better}",
    fix_en="write {better}",
)
COLON = _refusal(
    "E-COLON",
    id="{where}: titik dua dipakai sebagai sama dengan: {text}",
    en="{where}: a colon stands where an equals sign belongs: {text}",
    fix_id="tulis {better}",
    fix_en="write {better}",
)
COMMA = _refusal(
    "E-COMMA",
    id="{where}: angka pecahan memakai koma: {text}",
    en="{where}: a fraction is written with a comma: {text}",
    fix_id="pakai titik: {better}",
    fix_en="use a point: {better}",
)
BOOLEAN = _refusal(
    "E-BOOLEAN",
    id="{where}: ya/tidak ditulis `true` atau `false`, huruf kecil: {text}",
    en="{where}: yes/no is written `true` or `false`, in small letters: {text}",
    fix_id="tulis {better}",
    fix_en="write {better}",
)
INVISIBLE = _refusal(
    "E-INVISIBLE",
    id="{where}: ada huruf tak terlihat, biasanya dari salin-tempel: {text}",
    en="{where}: there are invisible characters, usually from copy and paste: {text}",
    fix_id="ketik ulang baris itu: {better}",
    fix_en="type that line again: {better}",
)
TEXT_NUMBER = _refusal(
    "E-TEXT-NUMBER",
    id="{where}: `{key}` ditulis sebagai angka, sehingga nol di depan hilang: {text}",
    en="{where}: `{key}` is written as a number, which loses leading zeros: {text}",
    fix_id="tulis {better}",
    fix_en="write {better}",
)
KEY_TWICE = _refusal(
    "E-KEY-TWICE",
    id="{where}: ditulis dua kali: {text}",
    en="{where}: written twice: {text}",
    fix_id="hapus salah satu; tombol, sirene dan lampu memakai dua kurung: `[[zone]]`.",
    fix_en="remove one of them; buttons, sirens and lamps take two brackets: `[[zone]]`.",
)

# ---- one value -------------------------------------------------------------------------------------------------------

KEY_UNKNOWN = _refusal(
    "E-KEY-UNKNOWN",
    id="{where}: `{key}` tidak dikenal di {table}.",
    en="{where}: `{key}` is not known in {table}.",
    fix_id="{advice}",
    fix_en="{advice}",
)
KEY_MISSING = _refusal(
    "E-KEY-MISSING",
    id="{where}: `{key}` belum ada di {table}.",
    en="{where}: `{key}` is missing in {table}.",
    fix_id="tambahkan {better}",
    fix_en="add {better}",
)
TYPE = _refusal(
    "E-TYPE",
    id="{where}: `{key}` harus berupa {expected}, tertulis {text}.",
    en="{where}: `{key}` must be {expected}, but it says {text}.",
    fix_id="tulis {better}",
    fix_en="write {better}",
)
RANGE = _refusal(
    "E-RANGE",
    id="{where}: `{key}` = {text} di luar batas {limits}.",
    en="{where}: `{key}` = {text} is outside {limits}.",
    fix_id="pilih nilai dalam batas itu, misalnya {better}",
    fix_en="choose a value inside, for example {better}",
)
CHOICE = _refusal(
    "E-CHOICE",
    id="{where}: `{key}` = {text} bukan pilihan yang ada.",
    en="{where}: `{key}` = {text} is not one of the choices.",
    fix_id="pilih salah satu: {choices}.",
    fix_en="choose one of: {choices}.",
)
FORM = _refusal(
    "E-FORM",
    id="{where}: bentuk `{key}` = {text} salah.",
    en="{where}: `{key}` = {text} has the wrong form.",
    fix_id="tulis seperti {better}",
    fix_en="write it like {better}",
)
SITE_ID = _refusal(
    "E-SITE-ID",
    id="{where}: `id` = {text} bukan kode kelurahan-RW-RT.",
    en="{where}: `id` = {text} is not kelurahan code-RW-RT.",
    fix_id='tulis seperti id = "33.74.10.1004-010-005" (kode kelurahan 10 angka, RW, RT).',
    fix_en='write it like id = "33.74.10.1004-010-005" (10-digit kelurahan code, RW, RT).',
)
SITE_MISMATCH = _refusal(
    "E-SITE-MISMATCH",
    id="{where}: `id` menyebut RW {rw_of_id} RT {rt_of_id}, tetapi `rw` = {rw} dan `rt` = {rt}.",
    en="{where}: `id` says RW {rw_of_id} RT {rt_of_id}, but `rw` = {rw} and `rt` = {rt}.",
    fix_id="samakan ketiganya; urutan di `id`: kelurahan, RW, RT.",
    fix_en="make the three agree; the order in `id` is kelurahan, RW, RT.",
)
TABLE = _refusal(
    "E-TABLE",
    id="{where}: `{text}` salah kurung.",
    en="{where}: `{text}` has the wrong brackets.",
    fix_id="tulis `{better}`.",
    fix_en="write `{better}`.",
)
ID_TWICE = _refusal(
    "E-ID-TWICE",
    id='{table} "{id}" ada dua kali ({where}).',
    en='{table} "{id}" is there twice ({where}).',
    fix_id="beri `id` lain pada salah satunya.",
    fix_en="give one of them another `id`.",
)
REMOVE = _refusal(
    "E-REMOVE",
    id='{where}: tidak ada {table} "{id}" di kit untuk dilepas.',
    en='{where}: the kit has no {table} "{id}" to remove.',
    fix_id="pilih `id` yang ada: {choices}.",
    fix_en="use an `id` that exists: {choices}.",
)
FORMAT = _refusal(
    "E-FORMAT",
    id="{where}: `format` = {text}; versi ini membaca format {known}.",
    en="{where}: `format` = {text}; this version reads format {known}.",
    fix_id="perbarui perangkat lunak boks, atau hapus baris itu bila salah ketik.",
    fix_en="update the box's software, or remove that line if it is a slip.",
)
KIT_UNKNOWN = _refusal(
    "E-KIT-UNKNOWN",
    id="{where}: kit {text} tidak ada.",
    en="{where}: there is no kit {text}.",
    fix_id="pilih salah satu: {choices}.",
    fix_en="choose one of: {choices}.",
)

# ---- pins ------------------------------------------------------------------------------------------------------------

PIN_BARE = _refusal(
    "E-PIN-BARE",
    id="{where}: pin {text} tidak jelas: nomor GPIO atau nomor kaki?",
    en="{where}: pin {text} is unclear: a GPIO number or a header pin?",
    fix_id='tulis pin = "GPIO{number}" (nomor GPIO) atau pin = "PIN{number}" (nomor kaki).',
    fix_en='write pin = "GPIO{number}" (GPIO number) or pin = "PIN{number}" (header pin).',
)
PIN_FORM = _refusal(
    "E-PIN-FORM",
    id="{where}: pin {text} tidak ada di kepala 40 kaki.",
    en="{where}: there is no pin {text} on the 40-pin header.",
    fix_id='pakai "GPIO0" sampai "GPIO27", atau kaki "PIN3" sampai "PIN40". Pin bebas: {free}.',
    fix_en='use "GPIO0" to "GPIO27", or header pins "PIN3" to "PIN40". Free pins: {free}.',
)
PIN_GROUND = _refusal(
    "E-PIN-GROUND",
    id="{where}: {text} adalah ground, bukan masukan atau keluaran.",
    en="{where}: {text} is ground, neither an input nor an output.",
    fix_id="pindahkan kabel sinyal ke kaki lain. Pin bebas: {free}.",
    fix_en="move the signal wire to another pin. Free pins: {free}.",
)
PIN_POWER = _refusal(
    "E-PIN-POWER",
    id="{where}: {text} adalah catu daya {volts}, bukan masukan atau keluaran.",
    en="{where}: {text} is the {volts} supply, neither an input nor an output.",
    fix_id="pindahkan kabel sinyal ke kaki lain. Pin bebas: {free}.",
    fix_en="move the signal wire to another pin. Free pins: {free}.",
)
PIN_TWICE = _refusal(
    "E-PIN-TWICE",
    id="{pin} dipakai dua kali: {first} dan {second}.",
    en="{pin} is used twice: {first} and {second}.",
    fix_id="ganti `pin` salah satu {tables}. Pin bebas: {free}.",
    fix_en="change `pin` of one {tables}. Free pins: {free}.",
)
PIN_EEPROM = _warning(
    "E-PIN-EEPROM",
    id="{where}: {text} dipakai Raspberry Pi untuk mengenali papan tambahan saat menyala.",
    en="{where}: {text} is used by the Raspberry Pi to recognise add-on boards at boot.",
    fix_id="lebih aman pin lain. Pin bebas: {free}.",
    fix_en="another pin is safer. Free pins: {free}.",
)
PIN_BOOT = _warning(
    "E-PIN-BOOT",
    id='{where}: {pin} {pull} saat boot, sehingga {table} "{id}" dengan relay = "{relay}" bisa menyala sendiri.',
    en='{where}: {pin} {pull} at boot, so {table} "{id}" with relay = "{relay}" may switch on by itself.',
    fix_id="pindahkan ke {better}, atau pakai relay yang aktif sebaliknya.",
    fix_en="move it to {better}, or use a relay that switches on the other level.",
)

# ---- what does not fit together --------------------------------------------------------------------------------------

HOLD = _refusal(
    "E-HOLD",
    id="{where}: hold_s = {text} terlalu singkat; gangguan listrik akan membunyikan sirene.",
    en="{where}: hold_s = {text} is too short; electrical noise would sound the siren.",
    fix_id="tulis 0.05 sampai 3.0, atau hapus baris itu.",
    fix_en="write 0.05 to 3.0, or remove that line.",
)
LAB_ONLY = _refusal(
    "E-LAB-ONLY",
    id="{where}: `{key}` = {text} hanya untuk laboratorium, tidak untuk boks di dinding.",
    en="{where}: `{key}` = {text} is for the laboratory only, not for a box on a wall.",
    fix_id="hapus baris itu.",
    fix_en="remove that line.",
)
NO_ZONE = _refusal(
    "E-NO-ZONE",
    id="{where}: tidak ada satu pun tombol yang membunyikan alarm.",
    en="{where}: there is no button at all that raises an alarm.",
    fix_id="tambahkan [[zone]] dengan `id` dan `pin`, atau pakai kit lain.",
    fix_en="add a [[zone]] with `id` and `pin`, or use another kit.",
)
NO_SOUNDER = _refusal(
    "E-NO-SOUNDER",
    id="{where}: tidak ada sirene utama.",
    en="{where}: there is no main siren.",
    fix_id="tambahkan [[sounder]] dengan `id` dan `pin`, tanpa `backup = true`.",
    fix_en="add a [[sounder]] with `id` and `pin`, without `backup = true`.",
)
PLAIN_MQTT = _refusal(
    "E-PLAIN-MQTT",
    id="{where}: tls = false ke {text}: siapa pun di jaringan bisa membaca dan memalsukan.",
    en="{where}: tls = false towards {text}: anybody on the network could read and forge.",
    fix_id="hapus `tls = false` dan pakai port = 8883.",
    fix_en="remove `tls = false` and use port = 8883.",
)
NO_UPLINK = _warning(
    "E-NO-UPLINK",
    id="{where}: tidak ada [uplink]: sirene berbunyi, tetapi pusat tidak diberi tahu.",
    en="{where}: there is no [uplink]: the siren sounds, but the centre is not told.",
    fix_id='tambahkan [uplink] dengan host = "nama broker pusat".',
    fix_en='add [uplink] with host = "name of the centre\'s broker".',
)
TITIR_RELAY = _warning(
    "E-TITIR-RELAY",
    id='{where}: sounder "{id}" memakai relay mekanis; pola titir akan dibunyikan lebih kasar agar relay awet.',
    en='{where}: sounder "{id}" is a mechanical relay; titir will sound coarser to spare the relay.',
    fix_id='pakai solid-state relay dan tulis switch = "ssr".',
    fix_en='use a solid-state relay and write switch = "ssr".',
)
USER_MISSING = _warning(
    "E-USER-MISSING",
    id="Pengguna sistem {user} belum ada; bagian `{role}` tidak akan diterima boks.",
    en="The system user {user} does not exist; the part `{role}` will not be admitted.",
    fix_id="jalankan `sudo systemd-sysusers`, lalu `kentongan config apply`.",
    fix_en="run `sudo systemd-sysusers`, then `kentongan config apply`.",
)
BARE_UNWRITTEN = _warning(
    "E-BARE-UNWRITTEN",
    id="Salinan cadangan pin {where} tidak bisa ditulis ({why}).",
    en="The backup copy of the pins {where} cannot be written ({why}).",
    fix_id="jalankan dengan sudo, atau periksa partisi boot. Konfigurasi tetap diterapkan.",
    fix_en="run it with sudo, or check the boot partition. The configuration is applied all the same.",
)

BEAT = _refusal(
    "E-BEAT",
    id="{where}: `{key}` = {text} bukan ketukan dalam profil {profile}.",
    en="{where}: `{key}` = {text} is no beat of the profile {profile}.",
    fix_id="pilih salah satu: {choices}.",
    fix_en="choose one of: {choices}.",
)

# ---- what the centre lays over it ------------------------------------------------------------------------------------

OVERLAY_KEY = _refusal(
    "E-OVERLAY-KEY",
    id="{where}: `{what}` tidak boleh diubah dari pusat.",
    en="{where}: `{what}` may not be changed from the centre.",
    fix_id="hapus; yang boleh: {listed}. Selain itu diubah di boks: `kentongan config apply`.",
    fix_en="remove it; allowed are: {listed}. The rest is changed at the box: `kentongan config apply`.",
)

OVERLAY_CLASH = _refusal(
    "E-OVERLAY-CLASH",
    id="{where}: berkas ini sendiri benar, tetapi tidak cocok dengan perubahan dari pusat.",
    en="{where}: the file itself is right, but does not fit what the centre has laid over it.",
    fix_id="bila perubahan dari pusat boleh dibuang: `kentongan config apply --without-overlay`.",
    fix_en="if what the centre changed may go: `kentongan config apply --without-overlay`.",
)
OVERLAY_BASE = _refusal(
    "E-OVERLAY-BASE",
    id="Konfigurasi boks tidak lagi sama dengan berkas asalnya ({why}); perubahan dari pusat tidak bisa ditumpangkan.",
    en="The box's configuration is no longer what its file says ({why}); nothing can be laid over it.",
    fix_id="di boks: `kentongan config apply`, lalu kirim lagi dari pusat.",
    fix_en="at the box: `kentongan config apply`, then send it again from the centre.",
)

NO_GENERATION = _refusal(
    "E-GENERATION",
    id="Generasi {asked} tidak bisa dipakai lagi ({why}); yang tersimpan: {there}.",
    en="Generation {asked} cannot be used again ({why}); kept are: {there}.",
    fix_id="pilih salah satunya: `kentongan config rollback NOMOR`, atau `config apply` dengan berkas yang benar.",
    fix_en="choose one of them: `kentongan config rollback NUMBER`, or `config apply` with a right file.",
)

CATALOGUE = collected(globals())
