package internal.smsgate.scenarios;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import internal.smsgate.client.Smsgate;
import internal.smsgate.client.SmsgateBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** One scenario: its clients, what it saved, and the verbs of its steps. */
final class Scenario {
    private final JsonObject environment;
    private final Harness harness;
    private final Map<String, Smsgate> clients = new ConcurrentHashMap<>();
    private final Map<String, Following> following = new HashMap<>();
    private final JsonObject saved;
    private volatile String where = "before the first step";

    Scenario(JsonObject environment, String run, Harness harness) {
        this.environment = environment;
        this.harness = harness;
        this.saved = environment.getAsJsonObject("values").deepCopy();
        saved.addProperty("run", run);
        saved.addProperty("tomorrow", Instant.now().plus(1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.MILLIS).toString());
    }

    String where() {
        return where;
    }

    void run(JsonArray steps) throws Exception {
        int number = 1;
        for (JsonElement step : steps) {
            where = "step " + number++ + " (" + step.getAsJsonObject().get("do").getAsString() + ")";
            step(step.getAsJsonObject(), saved);
        }
    }

    void close() throws InterruptedException {
        for (Following each : following.values()) {
            each.abandon();
        }
        clients.values().forEach(Smsgate::close);
    }

    private void step(JsonObject given, JsonObject saved) throws Exception {
        String verb = given.get("do").getAsString();
        JsonObject step = verb.equals("repeat") ? given : Matching.filled(given, saved).getAsJsonObject();
        JsonElement answer = switch (verb) {
            case "call" -> call(step);
            case "follow" -> follow(step);
            case "followed" -> followed(step);
            case "end" -> end(step);
            case "repeat" -> repeat(step, saved);
            case "ask" -> ask(step);
            case "same" -> compare(step, true);
            case "different" -> compare(step, false);
            case "close" -> {
                client(step).close();
                yield JsonNull.INSTANCE;
            }
            default -> throw new Failed(where + ": there is no such verb");
        };
        if (step.has("save")) {
            saved.add(step.get("save").getAsString(), answer);
        }
    }

    private Smsgate client(JsonObject step) {
        String name = step.has("caller") ? step.get("caller").getAsString() : "default";
        return clients.computeIfAbsent(name, this::connected);
    }

    private Smsgate connected(String name) {
        JsonObject caller = environment.getAsJsonObject("callers").getAsJsonObject(name);
        if (caller == null) {
            throw new Failed(where + ": there is no caller " + name);
        }
        SmsgateBuilder builder = Smsgate.builder().target(caller.get("target").getAsString());
        if (caller.has("apiKey")) {
            builder.apiKey(caller.get("apiKey").getAsString());
        }
        if (caller.has("tlsCa")) {
            builder.ca(Path.of(caller.get("tlsCa").getAsString()));
        }
        return builder.build();
    }

    /** Do it, and compare the exception that it fails with; null if that was expected. */
    private <T> T failing(JsonObject step, Callable<T> work) throws Exception {
        boolean mayFail = step.has("error") && step.get("error").isJsonObject();
        T done;
        try {
            done = work.call();
        } catch (Failed failed) {
            throw failed;
        } catch (Exception error) {
            if (!mayFail) {
                throw error;
            }
            Failed.unlessEmpty(where, Errors.difference(step.getAsJsonObject("error"), error));
            return null;
        }
        if (mayFail) {
            throw new Failed(where + ": expected " + step.get("error") + ", and it succeeded");
        }
        return done;
    }

    private JsonElement call(JsonObject step) throws Exception {
        Smsgate client = step.has("timeout")
                ? client(step).withTimeout(Duration.ofMillis((long) (step.get("timeout").getAsDouble() * 1_000)))
                : client(step);
        JsonObject request = step.has("request") ? step.getAsJsonObject("request") : new JsonObject();
        JsonElement answer =
                failing(step, () -> Methods.call(client, step.get("method").getAsString(), request));
        if (answer == null) {
            return JsonNull.INSTANCE;
        }
        JsonElement expected = step.has("expect") ? step.get("expect") : new JsonObject();
        Failed.unlessEmpty(where, Matching.difference(expected, answer, ""));
        return answer;
    }

    private JsonElement follow(JsonObject step) throws InterruptedException {
        long pause = step.has("pause") ? (long) (step.get("pause").getAsDouble() * 1_000) : 0;
        JsonObject request = step.has("request") ? step.getAsJsonObject("request") : new JsonObject();
        Following begun = new Following(client(step), request, pause);
        following.put(step.get("name").getAsString(), begun);
        if (!step.has("error")) {
            begun.untilOpen();
        }
        return JsonNull.INSTANCE;
    }

    private Following found(JsonObject step) {
        Following found = following.get(step.get("name").getAsString());
        if (found == null) {
            throw new Failed(where + ": nothing is followed as " + step.get("name"));
        }
        return found;
    }

    private JsonElement followed(JsonObject step) throws Exception {
        Following found = found(step);
        found.until(step.getAsJsonObject("until"));
        if (step.has("expect")) {
            Failed.unlessEmpty(where, found.difference(step.getAsJsonObject("expect")));
        }
        return JsonNull.INSTANCE;
    }

    private JsonElement end(JsonObject step) throws Exception {
        Following found = found(step);
        following.remove(step.get("name").getAsString());
        failing(step, () -> {
            found.end(step.has("error"));
            return true;
        });
        return found.told();
    }

    private JsonElement repeat(JsonObject step, JsonObject saved) throws Exception {
        int times = step.get("times").getAsInt();
        boolean parallel = step.has("parallel") && step.get("parallel").getAsBoolean();
        if (!parallel) {
            for (int number = 0; number < times; number++) {
                once(step, number, saved);
            }
            saved.remove("n");
            return JsonNull.INSTANCE;
        }
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<Callable<Object>> all = new ArrayList<>();
            for (int n = 0; n < times; n++) {
                int number = n;
                all.add(() -> {
                    once(step, number, saved.deepCopy());
                    return null;
                });
            }
            for (Future<Object> each : threads.invokeAll(all)) {
                each.get();
            }
        } catch (ExecutionException error) {
            throw error.getCause() instanceof Exception cause ? cause : error;
        } finally {
            threads.shutdownNow();
        }
        return JsonNull.INSTANCE;
    }

    private void once(JsonObject step, int number, JsonObject saved) throws Exception {
        saved.addProperty("n", String.format("%02d", number));
        for (JsonElement inner : step.getAsJsonArray("steps")) {
            step(inner.getAsJsonObject(), saved);
        }
    }

    private JsonElement ask(JsonObject step) {
        JsonObject question = step.deepCopy();
        question.remove("do");
        question.remove("save");
        question.add("ask", question.remove("what"));
        JsonObject answer = harness.ask(question);
        if (!answer.get("ok").getAsBoolean()) {
            throw new Failed(where + ": " + (answer.has("why") ? answer.get("why") : "the harness could not"));
        }
        return answer;
    }

    private JsonElement compare(JsonObject step, boolean same) {
        JsonArray values = step.getAsJsonArray("values");
        int distinct = new HashSet<>(values.asList()).size();
        if (same ? distinct != 1 : distinct != values.size()) {
            throw new Failed(where + ": " + (same ? "not the same: " : "not different: ") + values);
        }
        return new JsonPrimitive(true);
    }
}
