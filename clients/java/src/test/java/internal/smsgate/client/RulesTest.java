package internal.smsgate.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import internal.smsgate.v1.GetMessageRequest;
import internal.smsgate.v1.SendMessageRequest;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where and how it connects, request ids, and money. */
class RulesTest {
    private static SmsgateBuilder builder() {
        return new SmsgateBuilder(Map.of());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "127.0.0.1:50051", "127.8.9.10:1", "localhost:50051", "localhost", "[::1]:50051", "::1",
        "ipv4:127.0.0.1:1,127.0.0.1:2", "dns:///localhost:50051", "unix:/run/smsgate.sock",
    })
    void onlyThisMachineIsReachedWithoutTls(String target) {
        assertTrue(Target.isLocal(target));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "sms.example.com:443", "10.0.0.1:50051", "ipv4:127.0.0.1:1,10.0.0.1:2", "[2001:db8::1]:443",
        "localhost.example.com:443", "127.0.0.1.example.com:443", "dns://9.9.9.9/sms.example.com",
    })
    void othersAreNot(String target) {
        assertFalse(Target.isLocal(target));
    }

    @Test
    void whatIsGivenWinsOverTheEnvironmentAndThatOverTheDefault() {
        Map<String, String> environment = Map.of("SMSGATE_TARGET", "a:1", "SMSGATE_API_KEY", "key");
        assertEquals("127.0.0.1:50051", builder().target);
        assertEquals("a:1", new SmsgateBuilder(environment).target);
        assertEquals("key", new SmsgateBuilder(environment).apiKey);
        assertEquals("b:2", new SmsgateBuilder(environment).target("b:2").target);
    }

    @Test
    void settingsThatContradictOneAnotherAreAnErrorAtOnce() {
        assertThrows(IllegalArgumentException.class, () -> builder().apiKey("sk_1\n").build());
        SmsgateBuilder both = builder().ca(Path.of("ca.pem")).insecure();
        assertThrows(IllegalArgumentException.class, both::build);
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        SmsgateBuilder missing = builder().ca(Path.of("/nowhere/ca.pem"));
        assertTrue(assertThrows(UncheckedIOException.class, missing::build).getMessage().contains("/nowhere/ca.pem"));
    }

    @Test
    void everyCallIsTriedAgainButThoseThatMakeSecretsAndTheStream() {
        List<String> names = Channels.retried().stream().map(name -> name.get("method")).toList();
        assertTrue(names.containsAll(List.of("SendMessage", "TopUp", "CreateWebhook")));
        for (String method : List.of("CreateApiKey", "RotateWebhookSecret", "StreamStatus")) {
            assertFalse(names.contains(method), method);
        }
    }

    @Test
    void aRequestIdIsMadeWhereOneIsMissingAndThereIsAPlaceForIt() {
        SendMessageRequest bare = SendMessageRequest.newBuilder().setText("Ciao!").build();
        SendMessageRequest made = CallRules.identified(bare);
        assertEquals(36, made.getRequestId().length());
        assertEquals("Ciao!", made.getText());
        assertNotEquals(made.getRequestId(), CallRules.identified(bare).getRequestId());
        SendMessageRequest mine = bare.toBuilder().setRequestId("mine").build();
        assertEquals(mine, CallRules.identified(mine));
        GetMessageRequest none = GetMessageRequest.newBuilder().setId("a").build();
        assertEquals(none, CallRules.identified(none));
    }

    @Test
    void aClientThatWasClosedSaysSo() {
        Smsgate client = builder().target("127.0.0.1:1").build();
        client.close();
        assertThrows(ClosedException.class, () -> client.get("a"));
        assertThrows(ClosedException.class, () -> client.sendAsync(SendMessageRequest.getDefaultInstance()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.05 EUR", "-0.05 EUR", "3 USD", "12345678901234567.123456789 EUR"})
    void amountsAreExactBothWays(String text) {
        BigDecimal number = new BigDecimal(text.substring(0, text.indexOf(' ')));
        assertEquals(0, number.compareTo(Amounts.amount(Amounts.money(text))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "5 eur", "1e3 EUR", "1.0000000001 EUR"})
    void whatIsNoAmountIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Amounts.money(text));
    }
}
