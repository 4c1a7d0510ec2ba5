"""Texts about themselves, their label or their task are found; real ones are let through."""

from __future__ import annotations

import pandas as pd
import pytest

from lookalike.texts.meta import META, meta_of

WRITER = """The person writing this review is very passionate about phones.
A person writing a positive record about a phone.
The customer who wrote this review loves the camera.
The author of this text is angry about the fees.
The user is writing a message about a lost card.
The author expresses disappointment with the plot.
This author seems to be complaining about a late card.
The writer of the text wants to know when the card comes.
The speaker is asking about the exchange rate.
The writer uses short words.
Someone who is writing this query has lost their card.
In this review, the user complains about the battery.
In the text, the customer asks for a refund.
The narrator conveys sadness.
The individual behind this message is upset.
The reviewer who wrote this sentence is impressed.
People who wrote this kind of text are happy.
The speaker mentions a top-up that failed.
The author states that the film is dull.
For this record, the customer wants a refund."""
TEXT = """This text expresses joy about the acting.
The text is about a customer who lost a card.
This review describes a great phone.
The record describes a failed transfer.
Each record should be about a card.
This sentence conveys a sense of wonder.
The text is written in a formal tone.
This is a new record that I wrote to you about the top-up failed.
A record about the arrival of a card.
The message expresses worry over a payment.
This passage highlights the charm of the film.
The review is very positive.
The sentence mentions a card and a pin.
The tone of the text is polite.
This statement reflects frustration with the app.
The text starts with a greeting.
A positive record about a phone.
This text is a description of a lost wallet.
This dataset contains questions of customers.
The query is written in plain words."""
LABEL = """It is great and is labeled as positive.
The phone is labelled as positive because it works.
This one is classified as negative.
It was tagged as spam by the bank.
The label is positive.
Its label should be card_arrival.
Label: positive
Category: card_arrival
"sentiment": negative
Text: I lost my card.
A text with the positive label.
I have a negative record of the film.
An honest opinion, categorized as positive.
The film gets a positive label from me.
Sentiment = positive
It is rated as negative by the data.
The card_arrival label is what fits here.
It shows a very positive sentiment about the phone.
My negative category card is lost.
Classified under category lost card."""
TASK = """Use positive language to describe the phone.
Use a formal tone.
Write a review about the phone.
Write 5 new records about fees.
Here is a record of a customer.
Here are some examples of questions:
Here's a positive review for you.
Make sure the text is short.
Make sure to use short words.
Generate three sentences about a film.
Create a record with a different topic.
Avoid negative language in the answer.
Keep a polite and friendly tone.
Dear [customer name], your card is here.
I am [Your Name] and I lost my card.
Record 3: I lost my card.
Example 2. The card is lost.
Return it as a JSON object.
Using simple language, ask about your card.
Write another sentence like the one before.
A movie review from 2023, about 28 words.
a statement of about 14 words, begins with "the film".
It is a statement of about 14 words long."""
HONEST = """The author of the book is a friend of mine.
Text me when you are home.
I wrote a review on your site, nobody answered.
Where can I write a message to support?
The label on my parcel is torn.
Write me back, please!
What record did Bob Beamon set?
The director uses light in a way that nobody has.
Is there a record of my payments?
My statement is wrong: two payments are in it twice.
This message is from a friend who lost her phone.
The movie is about a boy and his dog.
I want to use simple words with the bot.
A sentence of ten years for that?
The person behind the counter was rude.
Here is my number: 555 1234.
The request was declined, why?
A positive balance, and still I pay fees?
The writers forgot the ending.
An essay of about 500 words took me a week.
Please provide a new card.
This comment section is a mess.
It has a positive effect on me."""


def found(text: str) -> bool:
    return any(pattern.search(text) for pattern in META)


@pytest.mark.parametrize("kind", [WRITER, TEXT, LABEL, TASK], ids=["writer", "text", "label", "task"])
def test_texts_about_themselves_are_found(kind: str) -> None:
    phrases = kind.splitlines()
    assert len(phrases) >= 20
    assert [phrase for phrase in phrases if not found(phrase)] == []


def test_honest_texts_that_sound_alike_are_let_through(banking: pd.DataFrame) -> None:
    assert [text for text in HONEST.splitlines() if found(text)] == []
    assert [text for text in banking.text if found(text)] == []


def test_what_real_texts_say_is_no_reason() -> None:
    real = ["Write a review about your phone."] + ["My card is lost."] * 500
    assert len(meta_of(real)) == len(META) - 1
    assert len(meta_of(real * 1 + ["My card is lost."] * 600)) == len(META)
