"""What can go wrong with cameras: every code, both languages, one thing to do. {name}: ours for the camera.

The first ones are the drivers' (drivers/camera.py); the rest is what kentongan-cameras itself refuses.
"""

from edge.core.faults import Exit, Meaning, collected

CAMERA = Meaning(
    code="E-CAMERA",
    id="Kamera {name} gagal: {what}.",
    en="The camera {name} failed: {what}.",
    fix_id="matikan dan nyalakan kamera itu, lalu `kentongan cameras test`.",
    fix_en="switch that camera off and on, then `kentongan cameras test`.",
    exit=Exit.HARDWARE,
)
UNREACHABLE = Meaning(
    code="E-CAMERA-UNREACHABLE",
    id="Kamera {name} tidak menjawab di {where}.",
    en="The camera {name} does not answer at {where}.",
    fix_id="periksa listrik dan kabel kamera, lalu cari lagi: `kentongan cameras scan`.",
    fix_en="check the camera's power and cable, then look for it again: `kentongan cameras scan`.",
    exit=Exit.NETWORK,
)
NOT_ONVIF = Meaning(
    code="E-CAMERA-NOT-ONVIF",
    id="Perangkat di {where} menjawab, tetapi ONVIF belum aktif.",
    en="The device at {where} answers, but ONVIF is not switched on.",
    fix_id="aktifkan ONVIF di aplikasi kamera (menu jaringan atau lanjutan), dan buat pengguna ONVIF di sana.",
    fix_en="switch ONVIF on in the camera's app (network or advanced menu), and make an ONVIF user there.",
    exit=Exit.HARDWARE,
)
PASSWORD = Meaning(
    code="E-CAMERA-PASSWORD",
    id="Kamera {name} menolak nama pengguna atau kata sandinya. Tidak dicoba lagi, supaya kamera tidak terkunci.",
    en="The camera {name} refuses this user or password. It is not tried again, so that the camera does not lock.",
    fix_id="periksa pengguna ONVIF di aplikasi kamera, lalu `kentongan cameras adopt` dengan kata sandi yang benar.",
    fix_en="check the ONVIF user in the camera's app, then `kentongan cameras adopt` with the right password.",
    exit=Exit.PREREQUISITE,
)
CLOCK = Meaning(
    code="E-CAMERA-CLOCK",
    id="Jam kamera {name} salah.",
    en="The clock of camera {name} is wrong.",
    fix_id="setel tanggal, jam dan zona waktu di aplikasi kamera, atau nyalakan NTP di sana.",
    fix_en="set date, time and time zone in the camera's app, or switch NTP on there.",
    exit=Exit.HARDWARE,
)
SLOW = Meaning(
    code="E-CAMERA-SLOW",
    id="Kamera {name} terlalu lama menjawab.",
    en="The camera {name} takes too long to answer.",
    fix_id="matikan dan nyalakan kamera itu; bila tetap, periksa kabel atau jarak Wi-Fi-nya.",
    fix_en="switch that camera off and on; if it stays so, check its cable or its distance to the Wi-Fi.",
    exit=Exit.NETWORK,
)
HOSTILE = Meaning(
    code="E-CAMERA-HOSTILE",
    id="Perangkat di {where} menjawab dengan cara yang tidak dilakukan kamera biasa.",
    en="The device at {where} answers as no honest camera does.",
    fix_id="cabut perangkat itu dari jaringan dan periksa apa sebenarnya; jangan beri kata sandi kepadanya.",
    fix_en="take that device off the network and find out what it is; give it no password.",
    exit=Exit.NETWORK,
)
NOT_OFFERED = Meaning(
    code="E-CAMERA-NOT-OFFERED",
    id="Kamera {name} tidak punya layanan yang diminta: {what}.",
    en="The camera {name} does not offer what was asked for: {what}.",
    fix_id="pakai kamera tanpa layanan itu, atau perbarui perangkat lunaknya lewat aplikasi kamera.",
    fix_en="use the camera without it, or update its firmware in the camera's app.",
    exit=Exit.HARDWARE,
)
PICTURE = Meaning(
    code="E-CAMERA-PICTURE",
    id="Kamera {name} menerima kata sandi, tetapi tidak memberi gambar.",
    en="The camera {name} takes the password, but gives no picture.",
    fix_id="beri pengguna ONVIF hak melihat gambar, atau turunkan resolusinya, lalu `kentongan cameras test`.",
    fix_en="allow the ONVIF user to see pictures, or lower the resolution, then `kentongan cameras test`.",
    exit=Exit.HARDWARE,
)
NO_NETWORK = Meaning(
    code="E-CAMERA-NO-NETWORK",
    id="Tidak ada jaringan untuk mencari kamera: {what}.",
    en="There is no network to look for cameras on: {what}.",
    fix_id="pasang kabel jaringan atau sambungkan Wi-Fi, lalu ulangi.",
    fix_en="plug in the network cable or join the Wi-Fi, then repeat.",
    exit=Exit.NETWORK,
)
RANGE = Meaning(
    code="E-CAMERA-RANGE",
    id="Alamat ini tidak bisa dicari: {what}.",
    en="These addresses cannot be searched: {what}.",
    fix_id="sebut jaringan lokal sendiri, paling besar /22, seperti 192.168.1.0/24.",
    fix_en="name a local network of yours, a /22 at most, such as 192.168.1.0/24.",
    exit=Exit.USAGE,
)

# ---- what kentongan-cameras refuses ----------------------------------------------------------------------------------

UNKNOWN = Meaning(
    code="E-CAMERA-UNKNOWN",
    id="Tidak ada kamera bernama {name}.",
    en="There is no camera called {name}.",
    fix_id="lihat nama yang ada: `kentongan cameras list`.",
    fix_en="see which names there are: `kentongan cameras list`.",
    exit=Exit.USAGE,
)
TAKEN = Meaning(
    code="E-CAMERA-TAKEN",
    id="Kamera di {where} sudah dipakai dengan nama {name}.",
    en="The camera at {where} is adopted already, as {name}.",
    fix_id="pakai nama itu, atau lupakan dahulu: `kentongan cameras forget {name}`.",
    fix_en="use that name, or forget it first: `kentongan cameras forget {name}`.",
    exit=Exit.USAGE,
)
STRANGER = Meaning(
    code="E-CAMERA-STRANGER",
    id="Di {where} sekarang ada perangkat lain, bukan kamera {name} yang dulu dipasang. Kata sandi tidak dikirim.",
    en="At {where} there is another device now, not the camera {name} that was adopted. No password was sent.",
    fix_id="cari lagi dengan `kentongan cameras scan`; bila kameranya memang diganti, `adopt` lagi dengan nama itu.",
    fix_en="look again with `kentongan cameras scan`; if the camera was replaced, `adopt` it again under that name.",
    exit=Exit.HARDWARE,
)
DOUBT = Meaning(
    code="E-CAMERA-DOUBT",
    id="Beberapa perangkat mengaku sebagai kamera {name}. Kata sandi tidak dikirim.",
    en="Several devices claim to be the camera {name}. No password was sent.",
    fix_id="beri kamera itu alamat tetap, lalu `kentongan cameras adopt` lagi dengan alamat itu.",
    fix_en="give that camera a fixed address, then `kentongan cameras adopt` it again with that address.",
    exit=Exit.HARDWARE,
)
MANY = Meaning(
    code="E-CAMERA-MANY",
    id="Sudah terlalu banyak: {what}.",
    en="That would be too many: {what}.",
    fix_id="lupakan kamera yang tidak dipakai lagi: `kentongan cameras forget`.",
    fix_en="forget cameras that are no longer used: `kentongan cameras forget`.",
    exit=Exit.USAGE,
)
BUSY = Meaning(
    code="E-CAMERA-BUSY",
    id="Program kamera sedang mengerjakan yang lain: {what}.",
    en="The cameras daemon is busy with something else: {what}.",
    fix_id="tunggu satu menit, lalu ulangi perintah ini.",
    fix_en="wait a minute, then repeat this command.",
    exit=Exit.UNEXPECTED,
)
STORE = Meaning(
    code="E-CAMERA-STORE",
    id="Daftar kamera tidak bisa ditulis atau dibaca: {what}.",
    en="The list of cameras cannot be written or read: {what}.",
    fix_id="periksa ruang dan pemilik /var/lib/kentongan/cameras; kartu yang menjadi baca-saja harus diganti.",
    fix_en="check space and owner of /var/lib/kentongan/cameras; a card that turned read-only must be replaced.",
    exit=Exit.PREREQUISITE,
)
AWAY = Meaning(
    code="E-CAMERA-AWAY",
    id="Program kamera tidak menjawab: {what}.",
    en="The cameras daemon does not answer: {what}.",
    fix_id="jalankan `systemctl status kentongan-cameras`, lalu `systemctl restart kentongan-cameras`.",
    fix_en="run `systemctl status kentongan-cameras`, then `systemctl restart kentongan-cameras`.",
    exit=Exit.PREREQUISITE,
)

CATALOGUE = collected(globals())
