//! Every table of Modelyard and its SQL.
