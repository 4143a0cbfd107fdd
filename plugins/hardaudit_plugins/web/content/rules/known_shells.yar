/* Web shells by what their own code says of itself. */

rule webshell_wso
{
    meta:
        description = "WSO, FilesMan and what was made of it"
    strings:
        $filesman = /default_action[ \t]{0,9}=[ \t]{0,9}["']FilesMan["']/ nocase
        $version = /["']WSO_VERSION["']/
        $login = "wsoLogin("
        $execute = "wsoEx("
        $header = "wsoHeader("
    condition:
        any of them
}

rule webshell_c99
{
    meta:
        description = "c99shell and what was made of it"
    strings:
        $name = "c99shell" nocase
        $session = "c99_sess_put(" nocase
        $update = "c99sh_getupdate(" nocase
        $action = /\$act[ \t]{0,3}==[ \t]{0,3}["'](cmd|ls|sql|processes|selfremove)["']/
    condition:
        $session or $update or ($name and $action)
}

rule webshell_r57
{
    meta:
        description = "r57shell"
    strings:
        $name = "r57shell" nocase
        $password = "$r57_pwd_hash" nocase
        $command = /\$_POST[ \t]{0,3}\[[ \t]{0,3}["']cmd["']/
    condition:
        $password or ($name and $command)
}

rule webshell_b374k
{
    meta:
        description = "b374k"
    strings:
        $name = "b374k" nocase
        $run = /\b(eval|gzinflate|gzuncompress|base64_decode|packer_b374k|shell_exec|proc_open)[ \t]{0,9}\(/ nocase
    condition:
        $name and $run
}

rule webshell_weevely
{
    meta:
        description = "weevely's agent"
    strings:
        $keys = /\$k[ \t]{0,3}=[ \t]{0,3}["'][0-9a-f]{8}["'];[ \t]{0,3}\$kh[ \t]{0,3}=[ \t]{0,3}["'][0-9a-f]{12}["'];[ \t]{0,3}\$kf[ \t]{0,3}=[ \t]{0,3}["'][0-9a-f]{12}["'];/
        $pieces = /\$\w{1,3}=str_replace\(["']\w{1,4}["'],["']["'],["'][\w$()'"\\]{8,80}["']\);/
        $created = /\$\w{1,3}=\$\w{1,3}\(["']["'],[ \t]{0,3}\$\w{1,3}\);[ \t]{0,3}\$\w{1,3}\(\);/
    condition:
        $keys or ($pieces and $created)
}

rule webshell_named
{
    meta:
        description = "A web shell that names itself, with code that runs commands or files"
    strings:
        $p0wny = "p0wny@shell" nocase
        $alfa = "ALFA TEaM Shell" nocase
        $indoxploit = "IndoXploit" nocase
        $phpspy = "phpspy" nocase
        $locus = "Locus7Shell" nocase
        $antichat = "antichat shell" nocase
        $nix = "NIX REMOTE WEB-SHELL" nocase
        $simattacker = "SimAttacker" nocase
        $mini = "Mini Shell" nocase
        $marijuana = "0x5a455553.github.io" nocase
        $fox = "AnonymousFox" nocase
        $gecko = "Gecko Shell" nocase
        $run = /[^>:\w$](eval|system|passthru|shell_exec|proc_open|popen|exec|move_uploaded_file|file_put_contents)[ \t]{0,9}\(/ nocase
    condition:
        $run and any of ($p0wny, $alfa, $indoxploit, $phpspy, $locus, $antichat, $nix, $simattacker, $mini, $marijuana, $fox, $gecko)
}

rule php_file_manager
{
    meta:
        description = "A file manager in one file, which attackers leave behind as often as administrators do"
    strings:
        $tiny = "tinyfilemanager.github.io" nocase
        $simple = "jcampbell1/simple-file-manager" nocase
        $alexantr = "alexantr/filemanager" nocase
        $works = /\b(move_uploaded_file|unlink|rename|file_put_contents)[ \t]{0,9}\(/ nocase
    condition:
        $works and any of ($tiny, $simple, $alexantr)
}
