/* PHP that runs what a request sends. Whitespace is bounded everywhere: the files are the attacker's. */

rule php_eval_request
{
    meta:
        description = "eval or assert of what a request sends, as China Chopper and its kind do"
    strings:
        $direct = /\beval[ \t\r\n]{0,9}\([^;{}]{0,120}\$\{?["']?_(GET|POST|REQUEST|COOKIE|FILES|SERVER[ \t]{0,3}\[[ \t]{0,3}["'](HTTP_|QUERY|PHP_AUTH|REQUEST|PATH_INFO))/ nocase
        $assert = /\bassert[ \t\r\n]{0,9}\([ \t\r\n@"'{.]{0,9}((base64_decode|stripslashes|urldecode|rawurldecode|trim|str_rot13|strrev|hex2bin|gzinflate|pack)[ \t(@'",H*]{1,12}){0,4}\$\{?["']?_(GET|POST|REQUEST|COOKIE)/ nocase
        $body = /\b(eval|assert)[ \t\r\n]{0,9}\([^;{}]{0,120}file_get_contents[ \t]{0,9}\([ \t]{0,9}["'](php:\/\/input|https?:|data:)/ nocase
        $kept = /\$(\w{1,30})[ \t]{0,9}=[ \t]{0,9}@?(base64_decode|stripslashes|gzinflate|str_rot13|urldecode|trim)?[ \t(@]{0,9}\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[[^;\n]{0,60};\s{0,20}@?(eval|assert)[ \t]{0,9}\([ \t]{0,9}['"?>. ]{0,12}\$\w{1,30}[ \t]{0,9}\)/ nocase
    condition:
        any of them
}

rule php_command_request
{
    meta:
        description = "A command of the system made of what a request sends"
    strings:
        $call = /[^>:\w$](system|exec|passthru|shell_exec|popen|proc_open|pcntl_exec)[ \t\r\n]{0,9}\([ \t\r\n]{0,9}["'{.@ ]{0,4}((base64_decode|stripslashes|urldecode|trim|str_rot13|strrev|hex2bin|strval|implode)[ \t(@'",]{1,12}){0,4}\$\{?_(GET|POST|REQUEST|COOKIE|SERVER[ \t]{0,3}\[[ \t]{0,3}["']HTTP_)/ nocase
        $backtick = /(<\?=|<\?php|\becho|\bprint|=|\(|@|;)[ \t\r\n]{0,9}`[ \t]{0,9}\{?\$\{?_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}[\[{][^`\n]{0,60}[\]}][^`\n]{0,20}`/ nocase
        $kept = /\$(cmd|command|c|x|shell|exec)[ \t]{0,9}=[ \t]{0,9}@?(base64_decode|stripslashes|trim)?[ \t(@]{0,9}\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[[^;\n]{0,60};[^{}]{0,200}[^>:\w$](system|exec|passthru|shell_exec|popen|proc_open)[ \t]{0,9}\([ \t]{0,9}["'(]{0,3}\$(cmd|command|c|x|shell|exec)\b/ nocase
    condition:
        any of them
}

rule php_call_request
{
    meta:
        description = "A function whose name a request sends"
    strings:
        $call = /\$\{?_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}[\[{][^\]}\n]{1,40}[\]}][ \t]{0,9}\([^)]/ nocase
        $kept = /\$(\w{1,30})[ \t]{0,9}=[ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[[^;\n]{1,40}\][ \t]{0,9};\s{0,20}@?\$\w{1,30}[ \t]{0,9}\([ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $callback = /\b(array_map|call_user_func|call_user_func_array|forward_static_call|register_shutdown_function|register_tick_function|ob_start|set_error_handler)[ \t]{0,9}\([ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[/ nocase
        $later = /\b(array_filter|array_walk|array_reduce|usort|uasort|uksort|preg_replace_callback|iterator_apply)[ \t]{0,9}\([^;{}]{1,80},[ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[/ nocase
        $named = /\b(array_map|array_filter|array_walk|usort|uasort|uksort|call_user_func|call_user_func_array|register_shutdown_function|ob_start)[ \t]{0,9}\([^;{}]{0,60}["'](assert|eval|system|passthru|shell_exec|exec)["'][^;{}]{0,80}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $created = /\bcreate_function[ \t]{0,9}\([^;{}]{0,80}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $cookies = /\$(\w{1,30})[ \t]{0,9}=[ \t]{0,9}\$_COOKIE[ \t]{0,9};\s{0,20}(\(|if[ \t]{0,3}\()?[ \t]{0,3}\(?count[ \t]{0,3}\([ \t]{0,3}\$\w{1,30}[ \t]{0,3}\)[ \t]{0,3}==/ nocase
    condition:
        any of them
}

rule php_include_request
{
    meta:
        description = "A file included whose name a request sends"
    strings:
        $include = /\b(include|require)(_once)?[ \t]{0,9}\(?[ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[/ nocase
        $stream = /\b(include|require)(_once)?[ \t]{0,9}\(?[ \t]{0,9}["'](data:[^,"'\n]{0,40};base64|php:\/\/input|https?:\/\/)/ nocase
    condition:
        any of them
}

rule php_preg_replace_eval
{
    meta:
        description = "preg_replace with the modifier e, which runs the replacement, on what a request sends or with eval in it"
    strings:
        $request = /\bpreg_replace[ \t]{0,9}\([ \t]{0,9}["'][\/#~@|!][^"'\n]{0,60}[\/#~@|!][a-z]{0,6}e[a-z]{0,6}["'][ \t]{0,9},[^;{}]{0,80}(\$_(GET|POST|REQUEST|COOKIE)\b|["']@?(eval|assert|system|base64_decode|\\x65))/ nocase
        $pattern = /\bpreg_replace[ \t]{0,9}\([ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[[^;{}]{1,60}\][ \t]{0,9},[ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        any of them
}

rule php_write_request
{
    meta:
        description = "A file written whose name and content a request sends, or whose content comes from a paste site"
    strings:
        $both = /\b(file_put_contents|fwrite|fputs)[ \t]{0,9}\([^;{}]{0,80}\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[[^;{}]{1,80},[^;{}]{0,60}\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[/ nocase
        $decoded = /\b(file_put_contents|fwrite|fputs)[ \t]{0,9}\([^;{}]{0,100},[ \t]{0,9}@?(base64_decode|hex2bin|gzinflate|str_rot13)[ \t]{0,9}\([ \t]{0,9}@?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,3}\[/ nocase
        $paste = /\b(file_put_contents|fwrite|copy|eval|include)[ \t]{0,9}\([^;{}]{0,120}https?:\/\/(pastebin\.com\/raw|paste\.ee\/r|hastebin\.com\/raw|raw\.githubusercontent\.com\/|gist\.githubusercontent\.com\/|rentry\.co\/[^\/]{1,40}\/raw)/ nocase
    condition:
        any of them
}

rule php_uploader
{
    meta:
        description = "A small program that stores any uploaded file under the name that was sent with it"
    strings:
        $store = /\b(move_uploaded_file|copy)[ \t]{0,9}\([ \t]{0,9}\$_FILES[ \t]{0,3}\[[^\]\n]{1,30}\][ \t]{0,3}\[[ \t]{0,3}["']?tmp_name["']?[ \t]{0,3}\][ \t]{0,9},[^;{}]{0,80}\$_FILES[ \t]{0,3}\[[^\]\n]{1,30}\][ \t]{0,3}\[[ \t]{0,3}["']?name/ nocase
        $checked = /pathinfo|in_array|mime|getimagesize|preg_match|sanitize|nonce|csrf/ nocase
    condition:
        filesize < 8KB and $store and not $checked
}

rule php_mailer_request
{
    meta:
        description = "A mail whose receiver and subject a request sends, or a known mass mailer"
    strings:
        $mail = /[^>:\w$]mail[ \t]{0,9}\([ \t]{0,9}(stripslashes|base64_decode|urldecode)?[ \t(]{0,3}\$_(POST|REQUEST|GET)[ \t]{0,3}\[[^\]\n]{1,30}\][ \t)]{0,3},[ \t]{0,9}(stripslashes|base64_decode|urldecode)?[ \t(]{0,3}\$_(POST|REQUEST|GET)[ \t]{0,3}\[/ nocase
        $leaf = "Leaf PHPMailer" nocase
        $private = "Priv8 Mailer" nocase
        $alexus = "alexusMailer" nocase
    condition:
        any of them
}
