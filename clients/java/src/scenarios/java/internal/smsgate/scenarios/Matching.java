package internal.smsgate.scenarios;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** References to what was saved, and whether an answer has what was expected. */
final class Matching {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([^}]+)\\}");

    private Matching() {}

    /** A value with every reference replaced. Failed if it names what was not saved. */
    static JsonElement filled(JsonElement value, JsonObject saved) {
        if (value.isJsonArray()) {
            JsonArray made = new JsonArray();
            value.getAsJsonArray().forEach(inner -> made.add(filled(inner, saved)));
            return made;
        }
        if (value.isJsonObject()) {
            JsonObject made = new JsonObject();
            value.getAsJsonObject().entrySet().forEach(e -> made.add(e.getKey(), filled(e.getValue(), saved)));
            return made;
        }
        return isText(value) ? filled(value.getAsString(), saved) : value;
    }

    private static JsonElement filled(String text, JsonObject saved) {
        Matcher references = REFERENCE.matcher(text);
        if (references.matches()) {
            return found(references.group(1), saved);
        }
        references.reset();
        return new JsonPrimitive(references.replaceAll(reference -> {
            JsonElement value = found(reference.group(1), saved);
            return Matcher.quoteReplacement(isText(value) ? value.getAsString() : value.toString());
        }));
    }

    private static JsonElement found(String path, JsonObject saved) {
        JsonElement value = saved;
        for (String name : path.split("\\.")) {
            if (value != null && value.isJsonArray()) {
                JsonArray array = value.getAsJsonArray();
                int index = Integer.parseInt(name);
                value = index < array.size() ? array.get(index) : null;
            } else {
                value = value != null && value.isJsonObject() ? value.getAsJsonObject().get(name) : null;
            }
        }
        if (value == null) {
            throw new Failed("nothing was saved as " + path);
        }
        return value;
    }

    /** What {@code got} lacks of what was expected, for people; empty if nothing. */
    static String difference(JsonElement expected, JsonElement got, String path) {
        if (expected.isJsonNull()) {
            return isThere(got) ? path + ": is " + got : "";
        }
        if (isText(expected) && expected.getAsString().equals("*")) {
            return isThere(got) ? "" : path + ": missing";
        }
        if (expected.isJsonObject() && got != null && got.isJsonObject()) {
            for (Map.Entry<String, JsonElement> field : expected.getAsJsonObject().entrySet()) {
                JsonElement inner = got.getAsJsonObject().get(field.getKey());
                String wrong = difference(field.getValue(), inner, path + "." + field.getKey());
                if (!wrong.isEmpty()) {
                    return wrong;
                }
            }
            return "";
        }
        if (expected.isJsonArray() && got != null && got.isJsonArray()) {
            JsonArray wanted = expected.getAsJsonArray();
            JsonArray come = got.getAsJsonArray();
            if (wanted.size() == come.size()) {
                for (int n = 0; n < wanted.size(); n++) {
                    String wrong = difference(wanted.get(n), come.get(n), path + "." + n);
                    if (!wrong.isEmpty()) {
                        return wrong;
                    }
                }
                return "";
            }
        }
        return expected.equals(got) ? "" : path + ": expected " + expected + ", got " + got;
    }

    private static boolean isThere(JsonElement got) {
        if (got == null || got.equals(JsonNull.INSTANCE)) {
            return false;
        }
        if (got.isJsonObject()) {
            return got.getAsJsonObject().size() > 0;
        }
        if (got.isJsonArray()) {
            return !got.getAsJsonArray().isEmpty();
        }
        String text = got.getAsString();
        return !text.isEmpty() && !text.equals("0") && !text.equals("false");
    }

    static boolean isText(JsonElement value) {
        return value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
    }
}
