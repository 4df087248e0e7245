"""What can go wrong while the box runs or a command works: every code, both languages, one thing to do.

The codes of a written configuration are in edge/config/codes.py; docs/troubleshooting.md explains all of them.
"""

from edge.core.faults import Exit, Meaning, collected

# ---- devices: {what} is the line or port, with the driver's own words ------------------------------------------------

DEVICE_MISSING = Meaning(
    code="E-DEVICE-MISSING",
    id="Perangkat tidak ada: {what}.",
    en="The device is not there: {what}.",
    fix_id="periksa kabel dan `driver` di site.toml, lalu `kentongan config check`.",
    fix_en="check the cable and `driver` in site.toml, then `kentongan config check`.",
    exit=Exit.HARDWARE,
)
DEVICE_BUSY = Meaning(
    code="E-DEVICE-BUSY",
    id="Perangkat sedang dipakai program lain: {what}.",
    en="The device is held by another program: {what}.",
    fix_id="hentikan program itu, atau pindahkan kabel ke pin lain dan ubah `pin` di site.toml.",
    fix_en="stop that program, or move the wire to another pin and change `pin` in site.toml.",
    exit=Exit.HARDWARE,
)
DEVICE_PERMISSION = Meaning(
    code="E-DEVICE-PERMISSION",
    id="Tidak boleh membuka perangkat: {what}.",
    en="No permission to open the device: {what}.",
    fix_id="jalankan lewat systemd, atau masukkan pengguna ini ke grup `gpio` lalu masuk ulang.",
    fix_en="run it through systemd, or put this user into the group `gpio` and log in again.",
    exit=Exit.HARDWARE,
)
DEVICE_CONFIG = Meaning(
    code="E-DEVICE-CONFIG",
    id="Perangkat tidak bisa seperti yang diminta konfigurasi: {what}.",
    en="The device cannot do what the configuration asks: {what}.",
    fix_id="ubah baris itu di site.toml, lalu `kentongan config apply`.",
    fix_en="change that line in site.toml, then `kentongan config apply`.",
    exit=Exit.HARDWARE,
)
DEVICE_PROTOCOL = Meaning(
    code="E-DEVICE-PROTOCOL",
    id="Perangkat menjawab tidak masuk akal: {what}.",
    en="The device answers nonsense: {what}.",
    fix_id="matikan dan nyalakan perangkat itu; bila tetap, ganti kabel lalu perangkatnya.",
    fix_en="switch that device off and on; if it stays so, change the cable, then the device.",
    exit=Exit.HARDWARE,
)
DRIVER = Meaning(
    code="E-DRIVER",
    id="Perangkat gagal: {what}.",
    en="The device failed: {what}.",
    fix_id="matikan dan nyalakan boks; bila tetap, kirim pesan ini ke pendukung teknis.",
    fix_en="switch the box off and on; if it stays so, send this message to technical support.",
    exit=Exit.HARDWARE,
)

# ---- broker and centre: {endpoint} is host:port ----------------------------------------------------------------------

BROKER_UNREACHABLE = Meaning(
    code="E-BROKER-UNREACHABLE",
    id="Broker {endpoint} tidak terjangkau: {what}.",
    en="The broker {endpoint} cannot be reached: {what}.",
    fix_id="periksa kabel jaringan atau modem, lalu `host` dan `port` di [uplink]. Sirene tetap bekerja.",
    fix_en="check the network cable or modem, then `host` and `port` in [uplink]. The siren still works.",
    exit=Exit.NETWORK,
)
BROKER_TLS = Meaning(
    code="E-BROKER-TLS",
    id="Sertifikat broker {endpoint} tidak dipercaya: {what}.",
    en="The certificate of broker {endpoint} is not trusted: {what}.",
    fix_id="periksa jam boks dan berkas trust/broker-ca.pem; jangan matikan `tls`.",
    fix_en="check the box's clock and the file trust/broker-ca.pem; do not switch `tls` off.",
    exit=Exit.NETWORK,
)
BROKER_REFUSED = Meaning(
    code="E-BROKER-REFUSED",
    id="Broker {endpoint} menolak boks ini: {what}.",
    en="The broker {endpoint} refuses this box: {what}.",
    fix_id="minta pusat memeriksa pendaftaran boks ini (nama boks = nama di sertifikat).",
    fix_en="ask the centre to check this box's enrolment (box name = name in the certificate).",
    exit=Exit.NETWORK,
)
CERTIFICATE_ENDS = Meaning(
    code="E-CERT-ENDS",
    id="Sertifikat segera berakhir: {what}.",
    en="A certificate ends soon: {what}.",
    fix_id="minta token baru dari pusat, lalu `sudo kentongan enrol --renew`; sertifikat broker diganti pusat.",
    fix_en="ask the centre for a new token, then `sudo kentongan enrol --renew`; the broker's the centre must replace.",
    exit=Exit.PREREQUISITE,
)
BROKER_MISSING = Meaning(
    code="E-BROKER-MISSING",
    id="Program broker mosquitto tidak ditemukan: {what}.",
    en="The broker program mosquitto was not found: {what}.",
    fix_id="jalankan `sudo apt install mosquitto`, atau tunjukkan letaknya dengan $MOSQUITTO.",
    fix_en="run `sudo apt install mosquitto`, or name its path in $MOSQUITTO.",
    exit=Exit.PREREQUISITE,
)
NETWORK = Meaning(
    code="E-NETWORK",
    id="Jaringan gagal: {what}.",
    en="The network failed: {what}.",
    fix_id="periksa kabel jaringan, lalu ulangi perintah ini.",
    fix_en="check the network cable, then repeat this command.",
    exit=Exit.NETWORK,
)
CENTRE_KEY = Meaning(
    code="E-CENTRE-KEY",
    id="Tanda tangan pusat tidak dikenal boks ini: {what}.",
    en="This box does not know the centre's signature: {what}.",
    fix_id="pasang trust/keyset.jws dan trust/root.pub dari pusat yang benar. Sirene tetap bekerja.",
    fix_en="install trust/keyset.jws and trust/root.pub from the right centre. The siren still works.",
    exit=Exit.NETWORK,
)
BOX_REVOKED = Meaning(
    code="E-BOX-REVOKED",
    id="Pusat mencabut boks ini: {what}.",
    en="The centre has revoked this box: {what}.",
    fix_id="telepon pusat: boks ini perlu didaftarkan ulang atau diganti. Sirene tetap bekerja.",
    fix_en="phone the centre: this box must be enrolled again or replaced. The siren still works.",
    exit=Exit.PREREQUISITE,
)
CENTRE_SILENT = Meaning(
    code="E-CENTRE-SILENT",
    id="Broker terhubung, tetapi pusat tidak mendengarkan: {what}.",
    en="The broker is connected, but the centre is not listening: {what}.",
    fix_id="telepon pusat: program penerima di sana mati. Alarm disimpan dan dikirim ulang.",
    fix_en="phone the centre: its receiving program is down. Alarms are kept and sent again.",
    exit=Exit.NETWORK,
)

# ---- the box itself --------------------------------------------------------------------------------------------------

STATE_READONLY = Meaning(
    code="E-STATE-READONLY",
    id="Folder {what} tidak bisa ditulisi: {why}.",
    en="The folder {what} cannot be written: {why}.",
    fix_id="periksa ruang kartu SD dan pemilik folder itu; kartu yang berubah baca-saja harus diganti.",
    fix_en="check space on the SD card and that folder's owner; a card that turned read-only must be replaced.",
    exit=Exit.PREREQUISITE,
)
LEDGER_BROKEN = Meaning(
    code="E-LEDGER-BROKEN",
    id="Buku catatan rusak: {what}. Disisihkan, yang baru dimulai.",
    en="The ledger is broken: {what}. It was set aside and a new one started.",
    fix_id="jangan hapus berkas *.broken; ganti kartu SD pada kunjungan berikut.",
    fix_en="do not delete the *.broken file; replace the SD card at the next visit.",
    exit=Exit.PREREQUISITE,
)
CONFIG_LASTGOOD = Meaning(
    code="E-CONFIG-LASTGOOD",
    id="Konfigurasi aktif tidak terbaca ({why}); boks berjalan dengan generasi {generation}.",
    en="The active configuration is unreadable ({why}); the box runs on generation {generation}.",
    fix_id="jalankan `kentongan config apply`.",
    fix_en="run `kentongan config apply`.",
    exit=Exit.CONFIGURATION,
    warning=True,
)
CONFIG_BARE = Meaning(
    code="E-CONFIG-BARE",
    id="Tidak ada konfigurasi yang terbaca ({why}); boks berjalan dengan pin terakhir saja, tanpa pusat.",
    en="No configuration is readable ({why}); the box runs on its last pins only, without the centre.",
    fix_id="jalankan `kentongan config apply`; bila berulang, ganti kartu SD.",
    fix_en="run `kentongan config apply`; if it comes back, replace the SD card.",
    exit=Exit.CONFIGURATION,
    warning=True,
)
CONFIG_NONE = Meaning(
    code="E-CONFIG-NONE",
    id="Boks ini belum punya konfigurasi ({why}): tidak ada tombol dan sirene yang dikenal.",
    en="This box has no configuration yet ({why}): it knows no button and no siren.",
    fix_id="isi site.toml (`kentongan config sample`), lalu `kentongan config apply`.",
    fix_en="write site.toml (`kentongan config sample`), then `kentongan config apply`.",
    exit=Exit.CONFIGURATION,
)
DEATHS = Meaning(
    code="E-DEATHS",
    id="Program alarm mati {count} kali dalam lima menit; boks berjalan dengan pin terakhir saja, tanpa pusat.",
    en="The alarm program died {count} times in five minutes; the box runs on its last pins only, without the centre.",
    fix_id="kirim `journalctl -u kentongan-alarm` ke pendukung teknis; setelah lima menit matikan dan nyalakan boks.",
    fix_en="send `journalctl -u kentongan-alarm` to technical support; after five minutes switch the box off and on.",
    exit=Exit.UNEXPECTED,
    warning=True,
)
IDENTITY_MISSING = Meaning(
    code="E-IDENTITY-MISSING",
    id="Identitas boks tidak ada: {what}.",
    en="The box has no identity: {what}.",
    fix_id="daftarkan boks ini ke pusat lalu pasang kuncinya. Sirene tetap bekerja, tetapi pusat tidak diberi tahu.",
    fix_en="enrol this box at the centre and install its key. The siren still works, but the centre is not told.",
    exit=Exit.PREREQUISITE,
)
# ---- parts of the box ------------------------------------------------------------------------------------------------

DAEMON_AWAY = Meaning(
    code="E-DAEMON-AWAY",
    id="Program alarm tidak menjawab di {what}.",
    en="The alarm daemon does not answer at {what}.",
    fix_id="jalankan `systemctl status kentongan-alarm`, lalu `systemctl restart kentongan-alarm`.",
    fix_en="run `systemctl status kentongan-alarm`, then `systemctl restart kentongan-alarm`.",
    exit=Exit.PREREQUISITE,
)
LEDGER_MISSING = Meaning(
    code="E-LEDGER-MISSING",
    id="Catatan kejadian tidak bisa dibaca: {what}.",
    en="The ledger cannot be read: {what}.",
    fix_id="jalankan dengan sudo; bila belum pernah ada kejadian, jalankan dahulu program alarm.",
    fix_en="run it with sudo; if there has never been an event, start the alarm daemon first.",
    exit=Exit.PREREQUISITE,
)
SELF_TEST = Meaning(
    code="E-SELF-TEST",
    id="Uji harian jalur ke pusat belum lulus: {what}.",
    en="The daily test of the way to the centre has not passed: {what}.",
    fix_id="hubungi pusat dan sebutkan nama boks ini: yang terkirim belum dijawab dengan nama penerimanya.",
    fix_en="call the centre and name this box: what it sent has not been answered in a receiver's name.",
    exit=Exit.NETWORK,
)
LEDGER_UNREADABLE = Meaning(
    code="E-LEDGER-UNREADABLE",
    id="Catatan kejadian rusak, atau salinannya tidak utuh: {what}.",
    en="The ledger is damaged, or its copy is not whole: {what}.",
    fix_id="ulangi sekali; bila tetap, simpan berkas itu untuk pendukung teknis. Jangan hapus.",
    fix_en="repeat it once; if it stays so, keep that file for technical support. Do not delete it.",
    exit=Exit.HARDWARE,
)
LEDGER_ROOM = Meaning(
    code="E-LEDGER-ROOM",
    id="Catatan dibaca lewat salinan, dan tempatnya tidak cukup di {what}.",
    en="The ledger is read from a copy, and there is not enough room in {what}.",
    fix_id="pasang stik USB, lalu ulangi dengan `sudo TMPDIR=/media/usb kentongan ...`.",
    fix_en="plug in a USB stick, then repeat with `sudo TMPDIR=/media/usb kentongan ...`.",
    exit=Exit.PREREQUISITE,
)
EVENT_UNKNOWN = Meaning(
    code="E-EVENT-UNKNOWN",
    id="Kejadian {what} tidak ada di catatan ini.",
    en="The event {what} is not in this ledger.",
    fix_id="lihat nomornya dengan `kentongan ledger ls`.",
    fix_en="see the numbers with `kentongan ledger ls`.",
    exit=Exit.USAGE,
)
LINK = Meaning(
    code="E-LINK",
    id="Soket antarprogram tidak bisa dibuka: {what}.",
    en="The sockets between the daemons cannot be opened: {what}.",
    fix_id="mulai ulang boks; bila tetap, periksa ruang dan izin /run/kentongan.",
    fix_en="restart the box; if it stays, check room and permissions of /run/kentongan.",
    exit=Exit.HARDWARE,
)
EVENT_POISON = Meaning(
    code="E-EVENT-POISON",
    id="Satu kejadian memutus sambungan setiap kali dikirim: {what}.",
    en="One event breaks the connection each time it is sent: {what}.",
    fix_id="kirim hasil `kentongan status --json` ke pusat; alarm lain tetap terkirim.",
    fix_en="send the output of `kentongan status --json` to the centre; other alarms go out all the same.",
    exit=Exit.NETWORK,
)
BROWN_OUT = Meaning(
    code="E-BROWN-OUT",
    id="Boks mati setiap kali sirene mulai: {what}.",
    en="The box dies whenever the siren starts: {what}.",
    fix_id="beri sirene catu daya sendiri atau aki yang lebih kuat; sirene cadangan dipakai sampai saat itu.",
    fix_en="give the siren its own supply or a stronger battery; the backup siren is used until then.",
    exit=Exit.HARDWARE,
)
ZONE_STUCK = Meaning(
    code="E-ZONE-STUCK",
    id="Tombol {what} tertutup lebih dari 60 detik.",
    en="The button {what} has been closed for more than 60 seconds.",
    fix_id="lepaskan atau ganti tombolnya, dan periksa kabelnya.",
    fix_en="release or replace the button, and check its cable.",
    exit=Exit.HARDWARE,
)
SOUND_CAP = Meaning(
    code="E-SOUND-CAP",
    id="Sirene sudah berbunyi 15 menit dalam satu jam; batasnya tercapai.",
    en="The siren has sounded for 15 minutes within one hour; its cap is reached.",
    fix_id="cari siapa yang menekan terus; tombol lain tetap berbunyi 30 detik.",
    fix_en="find who keeps pressing; another button still sounds for 30 seconds.",
    exit=Exit.HARDWARE,
)
TEST_FAILED = Meaning(
    code="E-TEST-FAILED",
    id="Pengujian gagal: {what}.",
    en="The test failed: {what}.",
    fix_id="ulangi; bila tetap gagal, kirim keluarannya dan folder {where} ke pendukung teknis.",
    fix_en="repeat it; if it fails again, send its output and the folder {where} to technical support.",
    exit=Exit.TEST,
)
PART_MISSING = Meaning(
    code="E-PART-MISSING",
    id="Bagian program untuk `{command}` tidak terpasang: {what}.",
    en="The part of the program for `{command}` is not installed: {what}.",
    fix_id="pasang ulang kentongan-edge.",
    fix_en="install kentongan-edge again.",
    exit=Exit.PREREQUISITE,
)
USAGE = Meaning(
    code="E-USAGE",
    id="Perintah tidak dikenal atau kurang lengkap: {what}",
    en="The command is unknown or incomplete: {what}",
    fix_id="lihat `{command} --help`.",
    fix_en="see `{command} --help`.",
    exit=Exit.USAGE,
)
PACKAGE_MISSING = Meaning(
    code="E-PACKAGE-MISSING",
    id="Perintah ini memerlukan paket Python `{what}`, yang tidak dipasang di sini.",
    en="This command needs the Python package `{what}`, which is not installed here.",
    fix_id="untuk mesin pusat: `pip install '.[centre]'` di folder sumber kentongan. Boks tidak memerlukannya.",
    fix_en="for a centre's machine: `pip install '.[centre]'` in kentongan's source folder. A box does not need it.",
    exit=Exit.PREREQUISITE,
)
INTERNAL = Meaning(
    code="E-INTERNAL",
    id="Kesalahan di dalam program: {what}.",
    en="A mistake inside the program: {what}.",
    fix_id="ulangi dengan KENTONGAN_TRACE=1 dan kirim keluarannya ke pendukung teknis.",
    fix_en="repeat with KENTONGAN_TRACE=1 and send the output to technical support.",
    exit=Exit.UNEXPECTED,
)

CATALOGUE = collected(globals())
