package internal.smsgate.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.lang.ref.WeakReference;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Connects again within a second once a server is back. The library's own pauses between attempts grow
 * to two minutes and cannot be set.
 */
final class Reconnecting {
    private static final long PAUSE_MILLIS = 500;
    private static final ScheduledExecutorService TIMER = timer();

    private Reconnecting() {}

    /** Until the channel is shut down, or nobody has it any more. */
    static void keep(ManagedChannel channel) {
        WeakReference<ManagedChannel> kept = new WeakReference<>(channel);
        AtomicReference<ScheduledFuture<?>> task = new AtomicReference<>();
        Runnable look = () -> {
            ManagedChannel present = kept.get();
            if (present == null || present.isShutdown()) {
                task.get().cancel(false);
            } else if (present.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
                present.resetConnectBackoff();
            }
        };
        task.set(TIMER.scheduleWithFixedDelay(look, PAUSE_MILLIS, PAUSE_MILLIS, TimeUnit.MILLISECONDS));
    }

    private static ScheduledExecutorService timer() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, "smsgate-reconnecting");
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
        return timer;
    }
}
