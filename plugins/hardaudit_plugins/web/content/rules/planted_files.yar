/* PHP where none belongs, and configuration that makes it run. `filename` is the file's name. */

rule php_in_image
{
    meta:
        description = "A file that begins like an image and has PHP in it"
    strings:
        $php = /<\?php[ \t\r\n\/]/ nocase
        $short = /<\?=?[ \t\r\n]{0,9}@?(eval|assert|system|exec|passthru|shell_exec|\$_(GET|POST|REQUEST|COOKIE|SERVER)|include|require|file_put_contents|base64_decode)[ \t(\["'`$]/ nocase
        $backtick = /<\?=?[ \t\r\n]{0,9}`[ -_a-~]{2,80}`/
        $script = /<script[ \t\r\n]{1,9}[^>\n]{0,40}language[ \t]{0,9}=[ \t]{0,9}["']?php/ nocase
        $stub = "__HALT_COMPILER();" nocase
    condition:
        (uint16be(0) == 0xFFD8 or uint32be(0) == 0x89504E47 or uint32be(0) == 0x47494638 or uint16be(0) == 0x424D
            or (uint32be(0) == 0x52494646 and uint32be(8) == 0x57454250) or uint32be(0) == 0x00000100)
        and any of them
}

rule php_from_exif
{
    meta:
        description = "Code that is kept in the metadata of an image, and run"
    strings:
        $read = /\bexif_read_data[ \t]{0,9}\(/ nocase
        $replace = /\bpreg_replace[ \t]{0,9}\([ \t]{0,9}\$\w{1,20}[ \t]{0,3}\[/ nocase
        $run = /\b(eval|assert|create_function)[ \t]{0,9}\([^;]{0,40}\$\w{1,20}[ \t]{0,3}\[[ \t]{0,3}["'](IFD0|COMPUTED|COMMENT|Make|Model|Artist|UserComment|ImageDescription|EXIF)["']/ nocase
    condition:
        $read and ($replace or $run)
}

rule htaccess_runs_other_files
{
    meta:
        description = "Apache is told to run files as PHP whose names say that they are something else"
    strings:
        $add = /^[ \t]{0,40}(AddHandler|AddType)[ \t]{1,9}["']?\S{0,60}php\S{0,20}[ \t]{1,9}[^\n]{0,80}\.?(jpe?g|png|gif|ico|webp|svg|bmp|txt|css|js|pdf|zip|xml|log|bak|htaccess)\b/ nocase
        $add_line = /\n[ \t]{0,40}(AddHandler|AddType)[ \t]{1,9}["']?\S{0,60}php\S{0,20}[ \t]{1,9}[^\n]{0,80}\.?(jpe?g|png|gif|ico|webp|svg|bmp|txt|css|js|pdf|zip|xml|log|bak|htaccess)\b/ nocase
        $files = /<(Files|FilesMatch)[ \t]{1,9}[^>\n]{0,80}(jpe?g|png|gif|ico|webp|svg|bmp|txt|css|js|pdf|zip|xml|log|bak|htaccess)[^>\n]{0,40}>[^<]{0,200}(SetHandler|ForceType|AddHandler|AddType)[ \t]{1,9}["']?\S{0,60}php/ nocase
    condition:
        filename == ".htaccess" and any of them
}

rule prepended_disguised_file
{
    meta:
        description = "PHP is told to run a file before or after each script that is no PHP file by name, or lies where everyone may write"
    strings:
        $file = /\bauto_(prepend|append)_file["']?[ \t]{0,9}[=, ]?[ \t]{0,9}["']?([^\s"']{0,200}\.(jpe?g|png|gif|ico|webp|svg|bmp|txt|css|js|pdf|zip|xml|log|bak|htaccess|gz)\b|\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|php:\/\/|data:|https?:)/ nocase
        $include = /\ballow_url_include["']?[ \t]{0,9}[=, ]?[ \t]{0,9}["']?(on|1)\b/ nocase
    condition:
        (filename == ".htaccess" or filename == ".user.ini" or filename == "php.ini") and any of them
}

rule htaccess_search_engine_redirect
{
    meta:
        description = "Visitors who come from a search engine are sent to another site"
    strings:
        $redirect = /RewriteCond[ \t]{1,9}%\{HTTP_(REFERER|USER_AGENT)\}[ \t]{1,9}[^!\n][^\n]{0,120}(google|yahoo|bing|yandex|baidu)[^\n]{0,200}\n([ \t]{0,40}RewriteCond[^\n]{0,400}\n){0,9}[ \t]{0,40}RewriteRule[ \t]{1,9}[^ \t\n]{1,80}[ \t]{1,9}["']?https?:\/\/[^%]/ nocase
    condition:
        filename == ".htaccess" and $redirect
}
