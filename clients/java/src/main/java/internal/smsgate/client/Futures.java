package internal.smsgate.client;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** gRPC's futures as those of Java. */
final class Futures {
    private Futures() {}

    /** Completes with the response or a {@link SmsgateException}; cancelling it ends the call. */
    static <R> CompletableFuture<R> of(Supplier<ListenableFuture<R>> call, Runnable before) {
        before.run();
        ListenableFuture<R> running = call.get();
        CompletableFuture<R> result = new CompletableFuture<>();
        result.whenComplete((response, error) -> {
            if (result.isCancelled()) {
                running.cancel(true);
            }
        });
        com.google.common.util.concurrent.Futures.addCallback(
                running,
                new FutureCallback<R>() {
                    @Override
                    public void onSuccess(R response) {
                        result.complete(response);
                    }

                    @Override
                    public void onFailure(Throwable error) {
                        result.completeExceptionally(
                                error instanceof StatusRuntimeException known ? Failure.of(known) : error);
                    }
                },
                MoreExecutors.directExecutor());
        return result;
    }
}
