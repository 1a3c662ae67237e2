// Lists the settings that the Spark jars of a folder declare, one tab-separated line each.
//
//     java -cp '<spark>/jars/*' ListSettings.java <spark>/jars > settings.tsv
//
// Spark registers a ConfigEntry for every setting when the object that declares it is initialized.
// So every Scala object whose class file mentions ConfigBuilder or ConfigEntry is loaded, and the
// registry is printed, together with the tables of deprecated and removed settings.

import java.io.File;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

public class ListSettings {
    static final List<String> failed = new ArrayList<>();
    static final Set<String> STATIC = new TreeSet<>();

    public static void main(String[] args) throws Exception {
        for (File jar : new File(args[0]).listFiles()) {
            if (jar.getName().startsWith("spark-") && jar.getName().endsWith(".jar")) {
                initializeObjectsOf(jar);
            }
        }
        Map<String, Object> entries = new TreeMap<>();
        Object registry = module("org.apache.spark.internal.config.ConfigEntry$");
        for (Object entry : ((Map<?, ?>) field(registry, "knownConfigs")).values()) {
            entries.put((String) call(entry, "key"), entry);
        }
        Object sql = module("org.apache.spark.sql.internal.SQLConf$");
        findStatic(module("org.apache.spark.sql.internal.StaticSQLConf$"));
        for (Object entry : entries.values()) {
            printEntry(entry, sql);
        }
        Object core = module("org.apache.spark.SparkConf$");
        printDeprecated(field(core, "deprecatedConfigs"), "deprecationMessage");
        printDeprecated(field(sql, "deprecatedSQLConfigs"), "comment");
        printAlternatives(field(core, "configsWithAlternatives"));
        printRemoved(sql);
        System.err.println(entries.size() + " settings; objects that could not be initialized: " + failed);
    }

    /** The settings that one object declares are fixed once a session has started. */
    static void findStatic(Object declarations) {
        for (Method method : declarations == null ? new Method[0] : declarations.getClass().getMethods()) {
            if (method.getParameterCount() == 0 && method.getReturnType().getName().endsWith("ConfigEntry")) {
                STATIC.add(text(call(call(declarations, method.getName()), "key")));
            }
        }
    }

    static void initializeObjectsOf(File jar) throws Exception {
        try (JarFile file = new JarFile(jar)) {
            Enumeration<JarEntry> inside = file.entries();
            while (inside.hasMoreElements()) {
                String name = inside.nextElement().getName();
                if (!name.endsWith("$.class")) {
                    continue;
                }
                byte[] bytes;
                try (InputStream stream = file.getInputStream(file.getEntry(name))) {
                    bytes = stream.readAllBytes();
                }
                String text = new String(bytes, StandardCharsets.ISO_8859_1);
                if (text.contains("internal/config/ConfigBuilder") || text.contains("internal/config/TypedConfigBuilder")) {
                    try {
                        Class.forName(name.replace('/', '.').replace(".class", ""));
                    } catch (Throwable error) {
                        failed.add(name + " " + root(error));
                    }
                }
            }
        }
    }

    static void printEntry(Object entry, Object sql) {
        String key = (String) call(entry, "key");
        String version = text(call(entry, "version"));
        String byDefault = defaultOf(entry);
        String[] kind = kindOf(entry);
        boolean isStatic = STATIC.contains(key);
        boolean isSql = Boolean.TRUE.equals(call(sql, "containsConfigKey", key));
        if (sql != null && call(sql, "containsConfigKey", key) == null) {
            Object known = field(sql, "sqlConfEntries");
            isSql = known instanceof Map<?, ?> map && map.containsKey(key);
        }
        row("entry", key, version, kind[0], kind[1], byDefault, text(call(entry, "isPublic")),
            isStatic ? "static_sql" : isSql ? "runtime" : "application", list(call(entry, "alternatives")));
    }

    /** `<undefined>` and values that depend on another setting are no defaults. */
    static String defaultOf(Object entry) {
        String shown = text(call(entry, "defaultValueString"));
        return shown.equals("<undefined>") ? "" : shown;
    }

    /** Type and unit, by what the converter of the setting makes of sample values. */
    static String[] kindOf(Object entry) {
        Object word = convert(entry, "sparklake");
        if (!(word instanceof Throwable)) {
            boolean isList = word != null && word.getClass().getName().startsWith("scala.collection");
            return new String[] {isList ? "list" : "string", ""};
        }
        String problem = String.valueOf(root((Throwable) word).getMessage());
        Object one = convert(entry, "1");
        if (problem.contains("should be boolean") || convert(entry, "true") instanceof Boolean) {
            return new String[] {"boolean", ""};
        }
        if (problem.contains("Time must be") || convert(entry, "60s") instanceof Long && convert(entry, "1b") instanceof Throwable) {
            Object hour = convert(entry, "1h");
            long unit = hour instanceof Long value ? value : 0;
            String name = unit == 3_600L ? "s" : unit == 3_600_000L ? "ms" : unit == 3_600_000_000L ? "us" : unit == 60L ? "min" : "";
            return new String[] {"duration", name};
        }
        Object large = convert(entry, "1t") instanceof Long ? convert(entry, "1t") : convert(entry, "64m");
        if (problem.contains("Size must be") || large instanceof Long) {
            long unit = large instanceof Long value ? value : 0;
            String name = unit == 1L << 40 || unit == 64L << 20 ? "bytes"
                : unit == 1L << 30 || unit == 64L << 10 ? "KiB"
                : unit == 1L << 20 || unit == 64L ? "MiB" : "";
            return new String[] {"size", name};
        }
        if (problem.contains("should be int") || one instanceof Integer) {
            return new String[] {"int", ""};
        }
        if (problem.contains("should be long") || one instanceof Long) {
            return new String[] {"bigint", ""};
        }
        if (problem.contains("should be double") || one instanceof Double) {
            return new String[] {"double", ""};
        }
        // Values are limited to a few words.
        return new String[] {"string", ""};
    }

    static Object convert(Object entry, String value) {
        Object converter = call(entry, "valueConverter");
        try {
            Method apply = Class.forName("scala.Function1").getMethod("apply", Object.class);
            Object converted = apply.invoke(converter, value);
            // Settings without a default convert to an Option.
            return converted != null && converted.getClass().getName().equals("scala.Some")
                ? call(converted, "get")
                : converted;
        } catch (Throwable error) {
            return root(error);
        }
    }

    static Throwable root(Throwable error) {
        return error.getCause() == null ? error : root(error.getCause());
    }

    static void printDeprecated(Object map, String message) {
        for (Object pair : elements(map)) {
            Object config = call(pair, "_2");
            row("deprecated", text(call(config, "key")), text(call(config, "version")), text(call(config, message)));
        }
    }

    static void printAlternatives(Object map) {
        for (Object pair : elements(map)) {
            for (Object alternate : elements(call(pair, "_2"))) {
                row("alternative", text(call(alternate, "key")), text(call(alternate, "version")), text(call(pair, "_1")));
            }
        }
    }

    static void printRemoved(Object sql) {
        for (Object pair : elements(field(sql, "removedSQLConfigs"))) {
            Object config = call(pair, "_2");
            row("removed", text(call(config, "key")), text(call(config, "version")), text(call(config, "defaultValue")), text(call(config, "comment")));
        }
    }

    static void row(String... cells) {
        List<String> clean = new ArrayList<>();
        for (String cell : cells) {
            clean.add(cell.replaceAll("\\s+", " ").trim());
        }
        System.out.println(String.join("\t", clean));
    }

    static String list(Object elements) {
        List<String> texts = new ArrayList<>();
        for (Object element : elements(elements)) {
            texts.add(text(element));
        }
        return String.join(",", texts);
    }

    static List<Object> elements(Object iterable) {
        List<Object> found = new ArrayList<>();
        Object iterator = iterable == null ? null : call(iterable, "iterator");
        while (iterator != null && Boolean.TRUE.equals(call(iterator, "hasNext"))) {
            found.add(call(iterator, "next"));
        }
        return found;
    }

    static Object module(String name) {
        try {
            return Class.forName(name).getField("MODULE$").get(null);
        } catch (Throwable error) {
            return null;
        }
    }

    static Object field(Object object, String name) {
        for (Class<?> type = object == null ? null : object.getClass(); type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (field.getName().equals(name) || field.getName().endsWith("$$" + name)) {
                    try {
                        field.setAccessible(true);
                        Object value = field.get(object);
                        return value == null ? call(object, name) : value;
                    } catch (Throwable error) {
                        return null;
                    }
                }
            }
        }
        return call(object, name);
    }

    /** What a method of that name gives; null where there is none. */
    static Object call(Object object, String name, Object... arguments) {
        if (object == null) {
            return null;
        }
        for (Method method : object.getClass().getMethods()) {
            boolean fits = method.getName().equals(name) || method.getName().endsWith("$$" + name);
            if (fits && method.getParameterCount() == arguments.length) {
                try {
                    method.setAccessible(true);
                    return method.invoke(object, arguments);
                } catch (Throwable error) {
                    // Another overload may fit.
                }
            }
        }
        return null;
    }

    static String text(Object value) {
        return value == null ? "" : value.toString();
    }
}
