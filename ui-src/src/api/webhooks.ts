// Webhooks: MLflow's REST API of them, and the log of what they were told.
import { client, unwrap, type Schemas } from './client';
import { call, mlflowUrl } from './mlflow';

export type Delivery = Schemas['Delivery'];
export type DeliveryState = Schemas['DeliveryState'];

export interface WebhookEvent {
  entity: string;
  action: string;
}

export interface Webhook {
  webhook_id: string;
  name: string;
  description?: string;
  url: string;
  events: WebhookEvent[];
  status: 'ACTIVE' | 'DISABLED';
  creation_timestamp: number;
  last_updated_timestamp: number;
}

/** What a test found. */
export interface TestResult {
  success: boolean;
  response_status?: number;
  response_body?: string;
  error_message?: string;
}

/** What is kept or changed of a webhook. The secret goes in only; without one it stays as it is. */
export interface WebhookDraft {
  name: string;
  description: string;
  url: string;
  events: WebhookEvent[];
  status: Webhook['status'];
  secret?: string | undefined;
}

const address = (...parts: string[]): string => mlflowUrl(['webhooks', ...parts.map(encodeURIComponent)].join('/'));

/** All webhooks, the newest first: a server has at most a thousand, which is a page. */
export async function listWebhooks(signal?: AbortSignal): Promise<Webhook[]> {
  const url = mlflowUrl('webhooks', { max_results: '1000' });
  return (await call<{ webhooks?: Webhook[] }>('GET', url, { signal })).webhooks ?? [];
}

export async function getWebhook(id: string, signal?: AbortSignal): Promise<Webhook> {
  return (await call<{ webhook: Webhook }>('GET', address(id), { signal })).webhook;
}

export async function createWebhook(body: WebhookDraft): Promise<Webhook> {
  return (await call<{ webhook: Webhook }>('POST', address(), { body })).webhook;
}

export async function updateWebhook(id: string, body: Partial<WebhookDraft>): Promise<Webhook> {
  return (await call<{ webhook: Webhook }>('PATCH', address(id), { body })).webhook;
}

export const deleteWebhook = (id: string): Promise<unknown> => call('DELETE', address(id), { body: {} });

/** Sends an example of an event and waits for the answer. */
export async function testWebhook(id: string, event: WebhookEvent | undefined): Promise<TestResult> {
  return (await call<{ result: TestResult }>('POST', address(id, 'test'), { body: event ? { event } : {} })).result;
}

export function listDeliveries(
  id: string,
  query: { state?: DeliveryState | undefined; page_token?: string | undefined; max_results?: number },
  signal?: AbortSignal,
): Promise<Schemas['Deliveries']> {
  const params = { path: { webhook_id: id }, query };
  return unwrap(client.GET('/api/modelyard/v1/webhooks/{webhook_id}/deliveries', { params, signal }));
}

/** Puts a delivery into the outbox again, with the same id and body. */
export function redeliver(id: string, deliveryId: string): Promise<Delivery> {
  const params = { path: { webhook_id: id, delivery_id: deliveryId } };
  return unwrap(client.POST('/api/modelyard/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver', { params }));
}
