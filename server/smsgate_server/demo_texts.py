"""What the demonstration sends: texts in many languages and lengths, to many countries.

The numbers are the numbering plans' own example numbers, with the last digits changed where the
simulated carrier is to do something special (see docs/simulator.md).
"""

from typing import NamedTuple


class DemoText(NamedTuple):
    recipient: str
    text: str


DEMO_TEXTS = (
    DemoText("+393123456789", "Il tuo pacco è in consegna oggi tra le 14:00 e le 16:00."),
    DemoText("+34612345678", "Su cita es mañana a las 9:30. Responda NO para anularla."),
    DemoText("+33612345678", "Votre commande est prête ! Retrait en magasin jusqu’à samedi."),
    DemoText("+4915123456789", "Ihr Tisch für vier Personen ist für 19:30 Uhr reserviert."),
    DemoText("+447400123456", "Your train to York leaves from platform 4 at 17:02."),
    DemoText("+351912345678", "A sua encomenda já saiu para entrega."),
    DemoText("+31612345678", "Uw afspraak bij de tandarts: dinsdag 10:15 uur."),
    DemoText("+48512345678", "Twoja paczka czeka w automacie. Kod odbioru wyślemy osobno."),
    DemoText("+46701234567", "Din bil är klar att hämta på verkstaden."),
    DemoText("+306912345678", "Η παραγγελία σας παραδόθηκε. Ευχαριστούμε!"),
    DemoText("+79123456789", "Ваш заказ готов к выдаче. Пункт открыт до 21:00."),
    DemoText("+380501234567", "Ваше замовлення вже в дорозі."),
    DemoText("+972502345678", "ההזמנה שלך מוכנה לאיסוף."),
    DemoText("+201001234567", "تم شحن طلبك وسيصل غداً."),
    DemoText("+819012345678", "ご注文の商品を発送しました。"),
    DemoText("+821020000000", "주문하신 상품이 발송되었습니다."),
    DemoText("+8613123456789", "您的包裹已到达，请尽快领取。"),
    DemoText("+918123456789", "आपका ऑर्डर आज शाम तक पहुँच जाएगा।"),
    DemoText("+66812345678", "พัสดุของคุณจะถึงวันนี้"),
    DemoText("+5511961234567", "Seu pedido saiu para entrega e chega hoje até as 18h."),
    DemoText("+12015550123", "Your prescription is ready for pickup. 🎉"),
    DemoText(
        "+905012345678",
        "Sayın müşterimiz, siparişiniz kargoya verilmiştir. Teslimat günü kuryemiz sizi "
        "arayacaktır; evde olmazsanız paketiniz en yakın şubede üç gün bekletilir. "
        "Sorularınız için bize her zaman yazabilirsiniz.",
    ),
    DemoText(
        "+393331234567",
        "Gentile cliente, la informiamo che il suo contratto è stato rinnovato per altri dodici "
        "mesi alle stesse condizioni. Trova il riepilogo nella sua area personale; se non desidera "
        "il rinnovo può recedere entro quattordici giorni senza alcun costo.",
    ),
    DemoText("+393331234901", "Questo numero non si raggiunge."),
    DemoText("+34612345902", "Este número no existe."),
    DemoText("+447400123903", "The carrier refuses this one at once."),
    DemoText("+33612345910", "L'accusé arrive avant la réponse."),
    DemoText("+4915123456909", "Die Quittung kommt dreimal."),
    DemoText("+48512345908", "Tu spóźniony raport przeczy pierwszemu."),
    DemoText("+393331234914", "Parte lunga: " + "un segmento su due non arriva. " * 8),
    DemoText("+39 333 1234567", "A number with spaces is not E.164: refused, and said why."),
)
