-- The session that writes acts as the service, which has no right on the pipeline.
set application_name = 'flights_feed';
set role flights_feed;
