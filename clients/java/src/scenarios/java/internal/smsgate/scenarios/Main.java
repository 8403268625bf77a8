package internal.smsgate.scenarios;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** {@code Main scenarios.json environment.json [name ...]}; see clients/scenarios/README.md. */
public final class Main {
    private static final int MOST_SECONDS = 60;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        JsonObject environment = read(arguments[1]);
        Set<String> names = Arrays.stream(arguments).skip(2).collect(Collectors.toSet());
        Harness harness = new Harness();
        int finished = 0;
        int failed = 0;
        for (JsonElement each : read(arguments[0]).getAsJsonArray("scenarios")) {
            JsonObject scenario = each.getAsJsonObject();
            String name = scenario.get("name").getAsString();
            if (!names.isEmpty() && !names.contains(name)) {
                continue;
            }
            long began = System.nanoTime();
            String why = runOne(scenario, environment, harness);
            JsonObject told = new JsonObject();
            told.addProperty("scenario", name);
            told.addProperty("ok", why.isEmpty());
            told.addProperty("seconds", (System.nanoTime() - began) / 1_000_000 / 1e3);
            if (!why.isEmpty()) {
                told.addProperty("why", why);
                failed++;
            }
            harness.tell(told);
            finished++;
        }
        JsonObject last = new JsonObject();
        last.addProperty("finished", finished);
        last.addProperty("failed", failed);
        harness.tell(last);
        System.exit(failed == 0 ? 0 : 1);
    }

    private static JsonObject read(String file) throws IOException {
        return JsonParser.parseString(Files.readString(Path.of(file))).getAsJsonObject();
    }

    /** Why it failed; empty if it did not. */
    private static String runOne(JsonObject wanted, JsonObject environment, Harness harness) throws Exception {
        byte[] random = new byte[4];
        new SecureRandom().nextBytes(random);
        Scenario scenario = new Scenario(environment, HexFormat.of().formatHex(random), harness);
        FutureTask<Object> task = new FutureTask<>(() -> {
            scenario.run(wanted.getAsJsonArray("steps"));
            return null;
        });
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        try {
            task.get(MOST_SECONDS, TimeUnit.SECONDS);
            return "";
        } catch (TimeoutException late) {
            return scenario.where() + ": not ended within " + MOST_SECONDS + " seconds";
        } catch (ExecutionException error) {
            Throwable cause = error.getCause();
            return cause instanceof Failed ? cause.getMessage() : scenario.where() + ": " + cause;
        } finally {
            scenario.close();
        }
    }
}
