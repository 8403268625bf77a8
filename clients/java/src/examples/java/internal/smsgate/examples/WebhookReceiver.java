package internal.smsgate.examples;

// --8<-- [start:receiver]
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

/** Takes the events of a webhook: checks every signature, and tells each event once. */
public final class WebhookReceiver {
    private final Webhook webhook = new Webhook(System.getenv("SECRET"));
    // Yours is a table, written in one transaction with what the event changes.
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/", new WebhookReceiver()::answer);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("listening on " + server.getAddress().getPort());
    }

    private void answer(HttpExchange exchange) throws IOException {
        exchange.sendResponseHeaders(receive(exchange), -1);
        exchange.close();
    }

    /** The status to answer with. */
    private int receive(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        try {
            // Checks the signature, and that the request is no more than five minutes old.
            webhook.verify(body, exchange.getRequestHeaders());
        } catch (WebhookVerificationException error) {
            return 401;
        }
        JsonObject event = JsonParser.parseString(body).getAsJsonObject();
        if (event.get("type").getAsString().equals("message.status")
                && seen.add(exchange.getRequestHeaders().getFirst("webhook-id"))) {
            JsonObject data = event.getAsJsonObject("data");
            System.out.println(data.get("messageId").getAsString() + " " + data.get("toStatus").getAsString());
        }
        return 204;
    }
}
// --8<-- [end:receiver]
