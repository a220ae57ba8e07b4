// The events that a webhook can be told of, by what they happen to. Pure; the list is MLflow's.
import type { WebhookEvent } from '../api/webhooks';

export interface EventGroup {
  label: string;
  events: { event: WebhookEvent; label: string }[];
}

const of = (entity: string, ...actions: [action: string, label: string][]) =>
  actions.map(([action, label]) => ({ event: { entity, action }, label }));

export const EVENT_GROUPS: EventGroup[] = [
  {
    label: 'Models',
    events: [
      ...of('REGISTERED_MODEL', ['CREATED', 'A registered model is created']),
      ...of('MODEL_VERSION', ['CREATED', 'A version is registered']),
      ...of('MODEL_VERSION_TAG', ['SET', 'A tag of a version is set'], ['DELETED', 'A tag of a version is removed']),
      ...of('MODEL_VERSION_ALIAS', ['CREATED', 'An alias is set or moved'], ['DELETED', 'An alias is removed']),
    ],
  },
  {
    label: 'Prompts',
    events: [
      ...of('PROMPT', ['CREATED', 'A prompt is created']),
      ...of('PROMPT_VERSION', ['CREATED', 'A version of a prompt is created']),
      ...of('PROMPT_TAG', ['SET', 'A tag of a prompt is set'], ['DELETED', 'A tag of a prompt is removed']),
      ...of('PROMPT_VERSION_TAG', ['SET', 'A tag of a prompt’s version is set'], ['DELETED', 'A tag of a prompt’s version is removed']),
      ...of('PROMPT_ALIAS', ['CREATED', 'An alias of a prompt is set or moved'], ['DELETED', 'An alias of a prompt is removed']),
    ],
  },
];

/** As deliveries and MLflow's clients write it: `model_version.created`. */
export const eventName = ({ entity, action }: WebhookEvent): string => `${entity}.${action}`.toLowerCase();

/** The event of a name that `eventName` wrote. */
export function eventOf(name: string): WebhookEvent {
  const [entity = '', action = ''] = name.toUpperCase().split('.');
  return { entity, action };
}
