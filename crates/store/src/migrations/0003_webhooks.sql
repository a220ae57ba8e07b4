-- Webhooks, and the outbox of what they are to be told.

CREATE TABLE webhook (
    id {lasting_id},
    webhook_id {text} NOT NULL UNIQUE,
    name {text} NOT NULL,
    description {text},
    url {text} NOT NULL,
    -- Encrypted, as text; NULL for none.
    secret {text},
    status BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE webhook_event (
    webhook BIGINT NOT NULL REFERENCES webhook (id),
    event BIGINT NOT NULL,
    PRIMARY KEY (webhook, event)
) {clustered};
CREATE INDEX webhook_event_by_event ON webhook_event (event, webhook);

-- What a webhook was told or is to be told, written in the transaction of the change that it tells of. `subject`
-- is the registered model. `state` is 1 pending, 2 delivered, 3 failed; what follows it is of the last attempt.
CREATE TABLE webhook_delivery (
    id {lasting_id},
    delivery_id {text} NOT NULL UNIQUE,
    webhook BIGINT NOT NULL REFERENCES webhook (id),
    subject BIGINT NOT NULL,
    event BIGINT NOT NULL,
    payload {text} NOT NULL,
    created_ms BIGINT NOT NULL,
    -- When it was put into the outbox for the last time: a redelivery has its attempts anew.
    queued_ms BIGINT NOT NULL,
    state BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    attempted_ms BIGINT,
    response_status BIGINT,
    response_body {text},
    error {text}
);
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook, id);
CREATE INDEX webhook_delivery_by_state ON webhook_delivery (webhook, state, id);
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (queued_ms);
CREATE INDEX webhook_delivery_pending ON webhook_delivery (webhook, subject, id) WHERE state = 1;

-- The pending deliveries of one model to one webhook: only the oldest is attempted, so they arrive in order.
CREATE TABLE webhook_lane (
    webhook BIGINT NOT NULL REFERENCES webhook (id),
    subject BIGINT NOT NULL,
    -- When the next attempt may be made, or, with a `claim`, when the attempt that is being made counts as lost.
    -- NULL while the webhook is disabled.
    due_ms BIGINT,
    -- Whose attempt it is.
    claim {text},
    PRIMARY KEY (webhook, subject)
) {clustered};
CREATE INDEX webhook_lane_due ON webhook_lane (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX webhook_lane_claimed ON webhook_lane (claim) WHERE claim IS NOT NULL;
