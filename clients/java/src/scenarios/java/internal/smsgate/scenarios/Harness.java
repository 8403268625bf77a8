package internal.smsgate.scenarios;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The one outside, who can kill the server: spoken to in lines of JSON. */
final class Harness {
    private final BufferedReader answers =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    synchronized void tell(JsonObject line) {
        System.out.println(line);
        System.out.flush();
    }

    synchronized JsonObject ask(JsonObject question) {
        tell(question);
        try {
            String line = answers.readLine();
            if (line == null) {
                throw new Failed("the harness is gone");
            }
            return JsonParser.parseString(line).getAsJsonObject();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
