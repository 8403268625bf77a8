package internal.smsgate.client;

import com.google.type.Money;
import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Exact amounts of money: {@code money("0.05 EUR")} and back. */
public final class Amounts {
    private static final Pattern WRITTEN = Pattern.compile("(-?\\d+(?:\\.\\d{1,9})?) ([A-Z]{3})");
    private static final int NANO_DIGITS = 9;

    private Amounts() {}

    /** @throws IllegalArgumentException if it is not written like "0.05 EUR" */
    public static Money money(String text) {
        Matcher parts = WRITTEN.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("an amount is written like \"0.05 EUR\", not \"" + text + "\"");
        }
        return money(new BigDecimal(parts.group(1)), parts.group(2));
    }

    /** @throws ArithmeticException if it has more than nine decimal places */
    public static Money money(BigDecimal amount, String currency) {
        BigDecimal[] parts = amount.divideAndRemainder(BigDecimal.ONE);
        return Money.newBuilder()
                .setCurrencyCode(currency)
                .setUnits(parts[0].longValueExact())
                .setNanos(parts[1].movePointRight(NANO_DIGITS).intValueExact())
                .build();
    }

    /** The number alone; zero if there is none. */
    public static BigDecimal amount(Money money) {
        return BigDecimal.valueOf(money.getUnits()).add(BigDecimal.valueOf(money.getNanos(), NANO_DIGITS));
    }
}
