/* PHP that hides what it does. */

rule php_eval_decoded
{
    meta:
        description = "eval or assert of text that is decoded first"
    strings:
        $eval = /\b(eval|assert)[ \t\r\n]{0,9}\([ \t\r\n]{0,9}(["'][ \t]{0,3}\?>["'. \t]{1,9})?[@ \t(]{0,6}(gzinflate|gzuncompress|gzdecode|base64_decode|str_rot13|convert_uudecode|hex2bin|rawurldecode|urldecode|strrev|openssl_decrypt)[ \t]{0,9}\(/ nocase
        $created = /\bcreate_function[ \t]{0,9}\([ \t]{0,9}["'][^"'\n]{0,40}["'][ \t]{0,9},[ \t]{0,9}@?(gzinflate|gzuncompress|base64_decode|str_rot13|strrev)[ \t]{0,9}\(/ nocase
        $chain = /\b(gzinflate|gzuncompress|str_rot13|strrev)[ \t]{0,9}\([ \t]{0,9}((str_rot13|strrev|gzinflate|gzuncompress)[ \t]{0,9}\([ \t]{0,9}){0,6}base64_decode[ \t]{0,9}\([ \t]{0,9}["'][A-Za-z0-9+\/=]{200}/ nocase
        $replaced = /\bpreg_replace[ \t]{0,9}\([ \t]{0,9}["'][^"'\n]{1,40}["'][ \t]{0,9},[ \t]{0,9}["']\\x65\\x76\\x61\\x6c/ nocase
    condition:
        any of them
}

rule php_eval_blob
{
    meta:
        description = "eval of a variable beside a long encoded text and a function that decodes it"
    strings:
        $eval = /[^>:\w$](eval|assert)[ \t]{0,9}\([ \t]{0,9}["'?>. ]{0,12}\$\{?\w{1,40}\}?[ \t]{0,9}(\(|\))/ nocase
        $decode = /\b(base64_decode|gzinflate|gzuncompress|str_rot13|convert_uudecode|hex2bin)[ \t]{0,9}\(/ nocase
        $base64 = /["'][A-Za-z0-9+\/]{1000}/
        $hexadecimal = /["'](\\x[0-9a-fA-F]{2}){200}/
    condition:
        $eval and $decode and ($base64 or $hexadecimal)
}

rule php_hidden_name
{
    meta:
        description = "The name of a dangerous function or of GLOBALS, spelt with escapes, put together from pieces, or encoded"
    strings:
        $php = "<?"
        $globals = /\$\{[ \t]{0,3}"[^"\n]{0,20}\\(x[0-9a-fA-F]{2}|1[0-7]{2})[^"\n]{0,80}"[ \t]{0,3}\}/
        $eval = "\\x65\\x76\\x61\\x6c" nocase
        $assert = "\\x61\\x73\\x73\\x65\\x72\\x74" nocase
        $base64 = "\\x62\\x61\\x73\\x65\\x36\\x34\\x5f\\x64" nocase
        $inflate = "\\x67\\x7a\\x69\\x6e\\x66\\x6c\\x61\\x74\\x65" nocase
        $system = "\\x73\\x79\\x73\\x74\\x65\\x6d" nocase
        $octal_base64 = "\\142\\141\\163\\145\\66\\64"
        $octal_eval = "\\145\\166\\141\\154"
        $pieces = /["']ba?["'][ \t]{0,3}\.[ \t]{0,3}["']a?se?["'][ \t]{0,3}\.[ \t]{0,3}["']e?6?4?_?d?e?/ nocase
        $assert_pieces = /["']a["'][ \t]{0,3}\.[ \t]{0,3}["']s?s["'][ \t]{0,3}\.[ \t]{0,3}["'](s?er?t?)["']/ nocase
        $reversed = /\bstrrev[ \t]{0,9}\([ \t]{0,9}["'](edoced_46esab|tressa|lave|metsys|etalfnizg|urhtssap|cexe_llehs|noitcnuf_etaerc)["']/ nocase
        $rotated = /\bstr_rot13[ \t]{0,9}\([ \t]{0,9}["'](riny|nffreg|onfr64_qrpbqr|flfgrz|cnffgueh|furyy_rkrp|tmvasyngr|perngr_shapgvba)["']/ nocase
        $decoded = /\bbase64_decode[ \t]{0,9}\([ \t]{0,9}["'](YXNzZXJ0|ZXZhb|c3lzdGVt|cGFzc3RocnU|c2hlbGxfZXhlY|Z3ppbmZsYXRl|Y3JlYXRlX2Z1bmN0aW9u|YmFzZTY0X2RlY29kZ)/
    condition:
        $php and any of ($globals, $eval, $assert, $base64, $inflate, $system, $octal_base64, $octal_eval, $pieces, $assert_pieces, $reversed, $rotated, $decoded)
}

rule php_encoded_superglobal
{
    meta:
        description = "PHP that takes and runs a request's text, in base64 inside of PHP"
    strings:
        $decode = "base64_decode" nocase
        $eval = "eval($_" base64
        $assert = "assert($_" base64
        $system = "system($_" base64
        $decoded = "eval(base64_decode(" base64
        $inflated = "eval(gzinflate(" base64
        $uploaded = "move_uploaded_file($_FILES" base64
    condition:
        $decode and any of ($eval, $assert, $system, $decoded, $inflated, $uploaded)
}

rule php_goto_maze
{
    meta:
        description = "Code cut to pieces that goto leads through, with escaped text"
    strings:
        $goto = /\bgoto [A-Za-z0-9_]{4,12};/
        $escape = /"[^"\n]{0,12}(\\x[0-9a-fA-F]{2}|\\[0-7]{2,3}){3}/
        $use = /\b(eval|base64_decode|file_put_contents|curl_exec|shell_exec|system|move_uploaded_file)[ \t]{0,9}\(|\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        #goto > 15 and #escape > 3 and $use
}

rule php_chr_chain
{
    meta:
        description = "Text put together from many single characters, and run"
    strings:
        $chain = /(chr[ \t]{0,3}\([ \t]{0,3}(0x)?[0-9a-f]{1,3}[ \t]{0,3}\)[ \t]{0,3}\.[ \t]{0,3}){8}/ nocase
        $run = /[^>:\w$](eval|assert|create_function)[ \t]{0,9}\(/ nocase
        $called = /\$\w{1,20}[ \t]{0,3}\([ \t]{0,3}\$\w{1,20}[ \t]{0,3}\([ \t]{0,3}["'$]/
    condition:
        $chain and ($run or $called)
}

rule php_without_letters
{
    meta:
        description = "Names made of punctuation by XOR or negation"
    strings:
        $php = "<?"
        $xor = /\$_{1,4}[ \t]{0,3}=[ \t]{0,3}\(?[ \t]{0,3}["'][^"'\n]{2,12}["'][ \t]{0,3}\^[ \t]{0,3}["'][^"'\n]{2,12}["'][ \t]{0,3}\)?[ \t]{0,3};/
        $variable = /\$\{[ \t]{0,3}["']?_?["']?[ \t]{0,3}\.?[ \t]{0,3}\$_{1,4}[ \t]{0,3}\}[ \t]{0,3}[\[{]/
        $negated = /\([ \t]{0,3}~[ \t]{0,3}["']?[\x80-\xff]{3,30}["']?[ \t]{0,3}\)[ \t]{0,3}\(/
        $counted = /\$_{1,4}(\+\+;[ \t\r\n]{0,9}|=\$_{1,4};[ \t\r\n]{0,9}){8}/
    condition:
        $php and any of ($xor, $variable, $negated, $counted)
}
