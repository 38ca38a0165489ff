//! What the bot and the simulated colleagues say, in the customer's language.

/// The sentences of one language.
pub(super) struct Phrases {
    language: &'static str,
    /// The bot greets, and asks what it is about.
    pub(super) greeting: &'static str,
    /// The bot has understood, and hands over.
    pub(super) takes_up: &'static str,
    /// A person was asked for.
    pub(super) person: &'static str,
    /// When somebody is there.
    pub(super) hours: &'static str,
    /// A colleague's answers, one after the other.
    pub(super) answers: [&'static str; 4],
}

/// The sentences of a language; English where there are none.
pub(super) fn of(language: Option<&str>) -> &'static Phrases {
    let primary = language.and_then(|tag| tag.split(['-', '_']).next());
    ALL.iter().find(|it| Some(it.language) == primary).unwrap_or(&ALL[0])
}

static ALL: [Phrases; 7] = [
    Phrases {
        language: "en",
        greeting: "Hello! I am the shop's bot. Is it about an order, a return, or advice on a product? Say \"a person, please\" at any time.",
        takes_up: "Thank you. I am the shop's bot; a colleague takes this up with you, and sees what you wrote.",
        person: "Of course. I hand you over to a person now.",
        hours: "We are here around the clock. What can I do for you?",
        answers: [
            "Thank you for waiting. I am looking at it now.",
            "I see it here. May I ask when you received it?",
            "That is done: you get a confirmation by e-mail within the hour.",
            "You are welcome. Have a good day!",
        ],
    },
    Phrases {
        language: "de",
        greeting: "Guten Tag! Ich bin der Bot des Ladens. Geht es um eine Bestellung, eine Rückgabe oder um Rat zu einem Produkt? Sagen Sie jederzeit „Bitte ein Mensch“.",
        takes_up: "Danke. Ich bin der Bot des Ladens; jemand aus dem Team nimmt sich Ihrer an und sieht, was Sie geschrieben haben.",
        person: "Gern. Ich übergebe Sie jetzt an einen Menschen.",
        hours: "Wir sind rund um die Uhr da. Was kann ich für Sie tun?",
        answers: [
            "Danke, dass Sie gewartet haben. Ich sehe es mir gerade an.",
            "Ich habe es hier vor mir. Wann haben Sie es erhalten?",
            "Das ist erledigt: Sie bekommen innerhalb einer Stunde eine Bestätigung per E-Mail.",
            "Sehr gern. Einen schönen Tag noch!",
        ],
    },
    Phrases {
        language: "fr",
        greeting: "Bonjour ! Je suis le robot de la boutique. S’agit-il d’une commande, d’un retour ou d’un conseil ? Dites « une personne, s’il vous plaît » à tout moment.",
        takes_up: "Merci. Je suis le robot de la boutique ; quelqu’un prend votre demande en charge et voit ce que vous avez écrit.",
        person: "Bien sûr. Je vous passe une personne.",
        hours: "Nous sommes là jour et nuit. Que puis-je faire pour vous ?",
        answers: [
            "Merci d’avoir patienté. Je regarde tout de suite.",
            "Je le vois ici. Quand l’avez-vous reçu ?",
            "C’est fait : vous recevez une confirmation par e-mail dans l’heure.",
            "Avec plaisir. Bonne journée !",
        ],
    },
    Phrases {
        language: "es",
        greeting: "¡Hola! Soy el bot de la tienda. ¿Se trata de un pedido, de una devolución o de un consejo? Diga «una persona, por favor» cuando quiera.",
        takes_up: "Gracias. Soy el bot de la tienda; alguien del equipo se hace cargo y ve lo que ha escrito.",
        person: "Por supuesto. Le paso con una persona.",
        hours: "Estamos aquí a todas horas. ¿Qué puedo hacer por usted?",
        answers: [
            "Gracias por esperar. Lo estoy mirando ahora mismo.",
            "Ya lo veo. ¿Cuándo lo recibió?",
            "Hecho: recibirá una confirmación por correo en menos de una hora.",
            "De nada. ¡Que tenga un buen día!",
        ],
    },
    Phrases {
        language: "pt",
        greeting: "Olá! Sou o bot da loja. É sobre uma encomenda, uma devolução ou um conselho? Diga «uma pessoa, por favor» quando quiser.",
        takes_up: "Obrigado. Sou o bot da loja; alguém da equipa trata do assunto e vê o que escreveu.",
        person: "Com certeza. Passo-lhe uma pessoa.",
        hours: "Estamos aqui a qualquer hora. Em que posso ajudar?",
        answers: [
            "Obrigado por esperar. Estou a ver agora.",
            "Já o vejo aqui. Quando o recebeu?",
            "Está feito: recebe uma confirmação por e-mail dentro de uma hora.",
            "De nada. Tenha um bom dia!",
        ],
    },
    Phrases {
        language: "ar",
        greeting: "مرحبًا! أنا روبوت المتجر. هل الأمر عن طلب أم إرجاع أم نصيحة حول منتج؟ قل «أريد التحدث إلى شخص» في أي وقت.",
        takes_up: "شكرًا لك. أنا روبوت المتجر؛ سيتولى أحد الزملاء الأمر معك، ويرى ما كتبته.",
        person: "بالطبع. أحوّلك إلى شخص الآن.",
        hours: "نحن هنا على مدار الساعة. كيف يمكنني مساعدتك؟",
        answers: [
            "شكرًا على انتظارك. أنظر في الأمر الآن.",
            "أراه هنا. متى استلمته؟",
            "تم ذلك: ستصلك رسالة تأكيد بالبريد الإلكتروني خلال ساعة.",
            "على الرحب والسعة. يومًا سعيدًا!",
        ],
    },
    Phrases {
        language: "zh",
        greeting: "您好！我是本店的机器人。您要问的是订单、退货，还是产品建议？随时可以说“请转人工服务”。",
        takes_up: "谢谢。我是本店的机器人；同事会接手，并能看到您写的内容。",
        person: "好的，现在为您转接人工。",
        hours: "我们全天都在。有什么可以帮您？",
        answers: [
            "感谢您的等待，我正在查看。",
            "我看到了。请问您是什么时候收到的？",
            "已经办好：一小时内您会收到确认邮件。",
            "不客气，祝您愉快！",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_texts_has_its_sentences() {
        for tag in ["en", "de", "fr", "es", "pt", "ar", "zh"] {
            assert_eq!(crate::texts::for_language(Some(tag)).language, tag);
            let phrases = of(Some(tag));
            assert_eq!(phrases.language, tag);
            let mut said = vec![phrases.greeting, phrases.takes_up, phrases.person, phrases.hours];
            said.extend(phrases.answers);
            assert!(said.iter().all(|it| !it.trim().is_empty()), "{tag}");
        }
        assert_eq!(of(Some("pt-BR")).language, "pt");
        assert_eq!(of(Some("tlh")).language, "en");
        assert_eq!(of(None).language, "en");
    }
}
