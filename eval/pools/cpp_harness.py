"""The C++ that is put behind a program to make calls: reads arguments, calls, and prints one result a line.

It contains no name that `sandbox.headers` would take for one the precompiled header lacks, because without that header
a program is compiled six times as slowly: so system calls are declared here, and two of their names come in halves.
Programs may neither fork nor exec, so a crash ends all calls, and the caller starts again behind the one that crashed.
"""

TOLD = 87  # exit code of a run whose last line tells why it ended

HARNESS = r"""
namespace codesieve_calls {
extern "C" {
int say_to(int) __asm__("dup");
long say(int, const void*, unsigned long) __asm__("write");
long hear(int, void*, unsigned long) __asm__("read");
int shut(int) __asm__("close");
int limit_time(int, const void*, void*) __asm__("set" "itimer");
void (*on_signal(int, void (*)(int)))(int) __asm__("sig" "nal");
}

// What few programs need is a template even where one type would do: only what is used costs time to compile.

// Arguments: every value is text that ends in a blank; strings are preceded by their length.
struct Input {
    std::string text;
    std::size_t at = 0;
    std::string word() {
        std::size_t end = text.find(' ', at);
        std::string found = text.substr(at, end - at);
        at = end + 1;
        return found;
    }
    std::string bytes() {
        std::size_t size = std::stoull(word());
        std::string found = text.substr(at, size);
        at += size + 1;
        return found;
    }
    std::size_t count() { return std::stoull(word()); }
};

template <class T, class = void> struct Reader;
template <> struct Reader<bool> {
    static bool read(Input& in) { return in.word() == "1"; }
};
template <class T> struct Reader<T, std::enable_if_t<std::is_integral_v<T>>> {
    static T read(Input& in) { return static_cast<T>(std::stoll(in.word())); }
};
template <class T> struct Reader<T, std::enable_if_t<std::is_floating_point_v<T>>> {
    static T read(Input& in) { return static_cast<T>(std::strtod(in.word().c_str(), nullptr)); }
};
template <> struct Reader<std::string> {
    static std::string read(Input& in) { return in.bytes(); }
};
template <class T> struct Reader<std::optional<T>> {
    static std::optional<T> read(Input& in) {
        if (in.word() == "0") return std::nullopt;
        return Reader<T>::read(in);
    }
};
template <class... T> struct Reader<std::tuple<T...>> {
    static std::tuple<T...> read(Input& in) { return std::tuple<T...>{Reader<T>::read(in)...}; }
};
template <class A, class B> struct Reader<std::pair<A, B>> {
    static std::pair<A, B> read(Input& in) { return std::pair<A, B>{Reader<A>::read(in), Reader<B>::read(in)}; }
};
template <class C> struct ItemsReader {
    static C read(Input& in) {
        C found;
        for (std::size_t left = in.count(); left > 0; left--)
            found.insert(found.end(), Reader<typename C::value_type>::read(in));
        return found;
    }
};
template <class K, class V> struct Reader<std::pair<const K, V>> {
    static std::pair<const K, V> read(Input& in) {
        K key = Reader<K>::read(in);
        return {std::move(key), Reader<V>::read(in)};
    }
};
template <class T> struct Reader<std::vector<T>> : ItemsReader<std::vector<T>> {};
template <class T> struct Reader<std::deque<T>> : ItemsReader<std::deque<T>> {};
template <class T> struct Reader<std::list<T>> : ItemsReader<std::list<T>> {};
template <class T> struct Reader<std::set<T>> : ItemsReader<std::set<T>> {};
template <class K, class V> struct Reader<std::map<K, V>> : ItemsReader<std::map<K, V>> {};
template <class T> struct SetReader {
    static T read(Input& in) {
        T found;
        for (std::size_t left = in.count(); left > 0; left--) found.insert(Reader<typename T::value_type>::read(in));
        return found;
    }
};
template <class T> struct Reader<std::unordered_set<T>> : SetReader<std::unordered_set<T>> {};
template <class K, class V> struct Reader<std::unordered_map<K, V>> : SetReader<std::unordered_map<K, V>> {};
template <class Any> struct Reader<Any, std::enable_if_t<std::is_same_v<Any, std::any>>> {
    static Any read(Input& in) {
        std::string kind = in.word();
        if (kind == "bool") return Any(Reader<bool>::read(in));
        if (kind == "int") return Any(Reader<int>::read(in));
        if (kind == "long") return Any(Reader<long>::read(in));
        if (kind == "double") return Any(Reader<double>::read(in));
        if (kind == "list") return Any(Reader<std::vector<Any>>::read(in));
        if (kind == "string") return Any(static_cast<const char*>((new std::string(in.bytes()))->c_str()));
        return Any();
    }
};

// Results, as `canonical` writes them.
inline std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (char letter : text) {
        unsigned char code = letter;
        if (letter == '"' || letter == '\\') (out += '\\') += letter;
        else if (letter == '\n') out += "\\n";
        else if (letter == '\r') out += "\\r";
        else if (letter == '\t') out += "\\t";
        else if (letter == '\b') out += "\\b";
        else if (letter == '\f') out += "\\f";
        else if (code < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", code);
            out += escape;
        } else out += letter;
    }
    return out += '"';
}
template <class Float> std::string decimal(Float value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char text[64];
    std::snprintf(text, sizeof text, "%.@DIGITS@g", value);
    double rounded = std::strtod(text, nullptr);
    if (rounded == std::floor(rounded) && std::fabs(rounded) < 1e15)
        std::snprintf(text, sizeof text, "%lld", static_cast<long long>(rounded));
    return text;
}
template <class... Parts> std::string join(const char* open, const char* close, Parts... parts) {
    std::string out = open;
    int index = 0;
    ((out += index++ ? ", " + parts : parts), ...);
    return out += close;
}
template <class T, class = void> struct Writer {
    static std::string write(const T&) { return "<object>"; }
};
template <class T> std::string written(const T& value) { return Writer<T>::write(value); }
template <> struct Writer<bool> {
    static std::string write(bool value) { return value ? "1" : "0"; }
};
template <> struct Writer<char> {
    static std::string write(char value) { return quoted(std::string(1, value)); }
};
template <class T> struct Writer<T, std::enable_if_t<std::is_integral_v<T>>> {
    static std::string write(T value) { return std::to_string(value); }
};
template <class T> struct Writer<T, std::enable_if_t<std::is_floating_point_v<T>>> {
    static std::string write(T value) { return decimal<double>(value); }
};
template <> struct Writer<std::string> {
    static std::string write(const std::string& value) { return quoted(value); }
};
template <> struct Writer<const char*> {
    static std::string write(const char* value) { return quoted(value); }
};
template <> struct Writer<std::nullopt_t> {
    static std::string write(const std::nullopt_t&) { return "None"; }
};
template <class T> struct Writer<std::optional<T>> {
    static std::string write(const std::optional<T>& value) { return value ? written<T>(*value) : "None"; }
};
template <class A, class B> struct Writer<std::pair<A, B>> {
    static std::string write(const std::pair<A, B>& value) {
        return join("(", ")", written<A>(value.first), written<B>(value.second));
    }
};
template <class... T> struct Writer<std::tuple<T...>> {
    static std::string write(const std::tuple<T...>& value) {
        return std::apply([](const T&... parts) { return join("(", ")", written<T>(parts)...); }, value);
    }
};
template <class C> struct ListWriter {
    static std::string write(const C& items) {
        std::string out = "[";
        for (const typename C::value_type& item : items) {
            if (out.size() > 1) out += ", ";
            out += written<typename C::value_type>(item);
        }
        return out += "]";
    }
};
template <class Part> std::string sorted(std::vector<Part> parts) {
    std::sort(parts.begin(), parts.end());
    std::string out = "{";
    for (const Part& part : parts) (out += out.size() > 1 ? ", " : "") += part;
    return out += "}";
}
template <class C> struct SetWriter {
    static std::string write(const C& items) {
        std::vector<std::string> parts;
        for (const auto& item : items) parts.push_back(written<typename C::value_type>(item));
        return sorted(parts);
    }
};
template <class C> struct MapWriter {
    static std::string write(const C& items) {
        std::vector<std::string> parts;
        for (const auto& [key, value] : items)
            parts.push_back(written<typename C::key_type>(key) + ": " + written<typename C::mapped_type>(value));
        return sorted(parts);
    }
};
template <class T> struct Writer<std::vector<T>> : ListWriter<std::vector<T>> {};
template <class T> struct Writer<std::deque<T>> : ListWriter<std::deque<T>> {};
template <class T> struct Writer<std::list<T>> : ListWriter<std::list<T>> {};
template <class T> struct Writer<std::set<T>> : SetWriter<std::set<T>> {};
template <class T> struct Writer<std::unordered_set<T>> : SetWriter<std::unordered_set<T>> {};
template <class K, class V> struct Writer<std::map<K, V>> : MapWriter<std::map<K, V>> {};
template <class K, class V> struct Writer<std::unordered_map<K, V>> : MapWriter<std::unordered_map<K, V>> {};
template <class Any> struct Writer<Any, std::enable_if_t<std::is_same_v<Any, std::any>>> {
    template <class T> static bool tried(const Any& value, std::string& out) {
        if (value.type() != typeid(T)) return false;
        out = written<T>(std::any_cast<T>(value));
        return true;
    }
    template <class... T> static std::string first(const Any& value) {
        std::string out = "<any>";
        (tried<T>(value, out) || ...);
        return out;
    }
    static std::string write(const Any& value) {
        if (!value.has_value()) return "None";
        return Writer::template first<bool, int, long, long long, unsigned long, float, double, char, std::string,
                     const char*, std::vector<long>, std::vector<std::string>, std::vector<Any>>(value);
    }
};

int out_fd = 1;
long current = 0;
inline void finish(const std::string& result) {
    std::string line = std::to_string(current++) + " " + result + "\n";
    for (std::size_t at = 0; at < line.size();) {
        long done = say(out_fd, line.data() + at, line.size() - at);
        if (done <= 0) std::_Exit(3);
        at += done;
    }
}
inline void ended(int signal_number) {
    char line[32];
    int size = 0;
    for (long left = current; left > 0 || size == 0; left /= 10) line[size++] = '0' + left % 10;
    for (int i = 0; i < size / 2; i++) std::swap(line[i], line[size - 1 - i]);
    for (const char* rest = signal_number == 27 ? " TLE\n" : " RTE\n"; *rest; rest++) line[size++] = *rest;
    say(out_fd, line, size);
    std::_Exit(@TOLD@);
}
inline void watch(bool on) {
    const long timer[4] = {0, 0, 0, on ? @MICROSECONDS@ : 0};
    limit_time(2, timer, nullptr);
}
template <class Call> void timed(Call call) {
    watch(true);
    std::string result;
    try {
        result = call();
    } catch (const std::bad_alloc&) {
        result = "MLE";
    } catch (...) {
        result = "RTE";
    }
    watch(false);
    finish(result);
}
inline std::string shortened(std::string text) {
    if (text.size() > 60000) text = text.substr(0, 60000) + "#" + std::to_string(std::hash<std::string>{}(text));
    return "=" + text;
}
inline void start(Input& in) {
    char chunk[4096];
    for (long size; (size = hear(0, chunk, sizeof chunk)) > 0;) in.text.append(chunk, size);
    out_fd = say_to(1);
    shut(1);
    for (int number : {4, 6, 7, 8, 11, 27}) on_signal(number, ended);
}
}

int main() {
    codesieve_calls::Input in;
    codesieve_calls::start(in);
    for (std::size_t left = in.count(); left > 0; left--) {
@ARGUMENTS@
        codesieve_calls::timed([&] { return codesieve_calls::shortened(codesieve_calls::written(@CALL@)); });
    }
    std::_Exit(0);
}
"""
