# mint-label by hand, as a designer of labels uses it.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	B=${B:-build/dev}
	work=$(mktemp -d)
	cat > "$work/label.json" <<-'JSON'
	{ "kind": "shipping", "application": "SQ-1", "organisation": "某某公司", "name": "王䶮", "phone": "13800138000",
	  "address": "南京市鼓楼区中山路12号3栋501室", "tokens": ["3A0010F2", "3A0010F3"], "printed_at": 1795400000000000 }
	JSON
}

teardown() {
	rm -rf "$work"
}

@test "a JSON file becomes PNG and ZPL, and a scanner reads it" {
	run "$B/mint-label" --render "$work/label.json" --out "$work/out"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$work/out/SQ-1.png" ]
	[ "${lines[1]}" = "$work/out/SQ-1.zpl" ]
	zbarimg -q "$work/out/SQ-1.png" 2>/dev/null | grep -qx CODE-128:SQ-1
	[ "$(head -c 3 "$work/out/SQ-1.zpl")" = "^XA" ]
}

@test "the same label gives the same bytes in another process" {
	"$B/mint-label" --render "$work/label.json" --out "$work/a"
	"$B/mint-label" --render "$work/label.json" --out "$work/b"
	cmp "$work/a/SQ-1.png" "$work/b/SQ-1.png"
	cmp "$work/a/SQ-1.zpl" "$work/b/SQ-1.zpl"
}

@test "a character without glyph is named by its number, and no personal data is shown" {
	sed -i 's/王䶮/🧿伟/' "$work/label.json"
	run "$B/mint-label" --render "$work/label.json" --out "$work/out"
	[ "$status" -eq 65 ]
	[[ $output == *"name: no font has U+1F9FF"* ]]
	[[ $output != *伟* && $output != *138* ]]
	[ ! -e "$work/out/SQ-1.png" ]
}

@test "a layout with a fault is refused by file and line" {
	cp -r data/labels "$work/layouts"
	sed -i '3i colour = "red"' "$work/layouts/parcel.conf"
	run "$B/mint-label" --render "$work/label.json" --out "$work/out" --layouts "$work/layouts"
	[ "$status" -eq 78 ]
	[[ $output == *"parcel.conf:3: no such option 'colour'"* ]]
}

@test "help and wrong use" {
	run "$B/mint-label" --help
	[ "$status" -eq 0 ]
	[[ $output == *--render* ]]
	run "$B/mint-label" --render
	[ "$status" -eq 64 ]
}
